import Foundation
import HTTPSignatures
import Testing

@testable import SigningKeys

@Suite struct PrivateKeyTests {
    private let message = Array("(request-target): post /inbox".utf8)

    @Test func `PKCS#8 and PKCS#1 forms of an RSA key sign alike, and as openssl does`() throws {
        let directory = try ScratchDirectory()
        let pkcs8 = try directory.rsa()
        let pkcs1 = try directory.openssl("pkey -traditional", input: pkcs8)
        try directory.write(pkcs8, to: "key.pem")
        let file = directory.url.appendingPathComponent("key.pem").path
        let expected = try directory.openssl("dgst -sha256 -sign \(file)", input: message)
        for pem in [pkcs8, pkcs1] {
            let key = try PrivateKey(pem: pem)
            #expect(key.algorithm == .rsaSHA256)
            #expect(try key.sign(message) == expected)
        }
        #expect(String(decoding: pkcs1, as: UTF8.self).contains("BEGIN RSA PRIVATE KEY"))
    }

    /// RFC 9421 appendix B.1.4 and B.2.6.
    @Test func `Ed25519 signs the example of RFC 9421`() throws {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
            -----END PRIVATE KEY-----
            """
        let base = """
            "date": Tue, 20 Apr 2021 02:07:55 GMT
            "@method": POST
            "@path": /foo
            "@authority": example.com
            "content-type": application/json
            "content-length": 18
            "@signature-params": ("date" "@method" "@path" "@authority" "content-type" \
            "content-length");created=1618884473;keyid="test-key-ed25519"
            """
        let key = try PrivateKey(pem: Array(pem.utf8))
        #expect(key.algorithm == .ed25519)
        #expect(
            String(decoding: Base64.encode(try key.sign(Array(base.utf8))), as: UTF8.self)
                == "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu"
                + "4A0w6vuQv5lIp5WPpBKRCw==")
    }

    @Test(arguments: SignatureAlgorithm.allCases)
    func `a generated key survives export and signs what its public half verifies`(
        algorithm: SignatureAlgorithm
    ) throws {
        let directory = try ScratchDirectory()
        let made = try PrivateKey(generating: algorithm)
        let read = try PrivateKey(pem: try made.privatePEM())
        #expect(read.algorithm == algorithm)
        let signature = try made.sign(message)
        #expect(try read.sign(message) == signature)
        #expect(read.verifies(signature, of: message))
        #expect(!read.verifies(signature, of: message + [0]))
        #expect(!read.verifies([], of: message))
        let pem = try made.publicPEM()
        #expect(String(decoding: pem, as: UTF8.self).hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
        #expect(try directory.openssl("pkey -pubin", input: pem) == pem)
        #expect(try directory.openssl("pkey -pubout", input: try made.privatePEM()) == pem)
    }

    @Test func `a key between other blocks and with Windows line ends is found`() throws {
        let directory = try ScratchDirectory()
        let pem = String(decoding: try directory.rsa(), as: UTF8.self)
        let dressed = "A note.\r\n" + pem.replacingOccurrences(of: "\n", with: "\r\n") + "\r\nEnd"
        #expect(try PrivateKey(pem: Array(dressed.utf8)).algorithm == .rsaSHA256)
    }

    @Test(arguments: [
        "pkey -aes256 -passout pass:secret", "pkey -traditional -aes256 -passout pass:secret",
    ])
    func `an encrypted key is refused without asking anybody`(command: String) throws {
        let directory = try ScratchDirectory()
        let pem = try directory.openssl(command, input: try directory.rsa())
        #expect(throws: KeyRefusal.encrypted) { try PrivateKey(pem: pem) }
    }

    @Test func `a public key is refused as one`() throws {
        let directory = try ScratchDirectory()
        let pem = try directory.rsa()
        for command in ["pkey -pubout", "rsa -RSAPublicKey_out"] {
            let half = try directory.openssl(command, input: pem)
            #expect(throws: KeyRefusal.publicKey) { try PrivateKey(pem: half) }
        }
    }

    @Test func `RSA of 1,024 bits is refused`() throws {
        let pem = try ScratchDirectory().rsa(bits: 1_024)
        #expect(throws: KeyRefusal.wrongSize(bits: 1_024)) { try PrivateKey(pem: pem) }
    }

    @Test(arguments: [
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "EC"),
        ("ecparam -genkey -name prime256v1", "EC"), ("genpkey -algorithm X25519", "X25519"),
        ("genpkey -algorithm ED448", "ED448"),
    ])
    func `keys that nobody verifies are refused by name`(command: String, kind: String) throws {
        let pem = try ScratchDirectory().openssl(command)
        #expect(throws: KeyRefusal.wrongKind(kind)) { try PrivateKey(pem: pem) }
    }

    @Test(arguments: [
        ("", KeyRefusal.notPEM), ("{}", .notPEM), ("-----BEGIN ", .notPEM),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            .notAKey(label: "CERTIFICATE")
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
            .openSSHFormat
        ),
        (String(repeating: "x", count: 32_769), .tooLarge(bytes: 32_769)),
    ])
    func `what is no private key is refused by name`(pem: String, refusal: KeyRefusal) {
        #expect(throws: refusal) { try PrivateKey(pem: Array(pem.utf8)) }
    }

    @Test func `a key cut short says so, with what libcrypto said`() throws {
        let whole = try ScratchDirectory().rsa()
        for count in [100, whole.count / 2, whole.count - 10] {
            do {
                _ = try PrivateKey(pem: Array(whole.prefix(count)))
                Issue.record("\(count) of \(whole.count) bytes were taken")
            } catch .malformed(let failure) {
                #expect(failure.description.hasPrefix("libcrypto refuses it: error:"))
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    /// A bit of the modulus is wrong.
    @Test func `a key whose parts do not belong together is refused`() throws {
        let directory = try ScratchDirectory()
        let der = try directory.openssl("rsa -traditional -outform DER", input: try directory.rsa())
        // RSAPrivateKey (RFC 8017 A.1.2): byte 100 of the DER is inside the modulus.
        var damaged = der
        damaged[100] ^= 0x10
        let pem =
            "-----BEGIN RSA PRIVATE KEY-----\n"
            + Data(damaged).base64EncodedString(options: .lineLength64Characters)
            + "\n-----END RSA PRIVATE KEY-----\n"
        #expect(throws: KeyRefusal.inconsistent) { try PrivateKey(pem: Array(pem.utf8)) }
    }

    @Test(arguments: [
        KeyRefusal.notPEM, .tooLarge(bytes: 1), .encrypted, .publicKey, .openSSHFormat,
        .notAKey(label: "CERTIFICATE"), .wrongKind("EC"), .wrongSize(bits: 1_024), .inconsistent,
    ])
    func `a refusal says what is wrong and what to do`(refusal: KeyRefusal) {
        let words = refusal.description
        #expect(
            ["give", "decrypt", "convert", "make", "use", "copy", "expected"].contains {
                words.contains($0)
            }, "\(words)")
    }

    @Test func `a failure leaves nothing in the error queue for the next one`() throws {
        let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        #expect(throws: KeyRefusal.self) { try PrivateKey(pem: Array(broken.utf8)) }
        #expect(CryptoFailure("nothing").description == "nothing")
        let key = try PrivateKey(generating: .ed25519)
        #expect(!key.verifies([1, 2, 3], of: []))
        #expect(CryptoFailure("nothing").description == "nothing")
    }
}
