import DeliveryCore
import Foundation
import HTTPSignatures
import Testing

@testable import SigningKeys

/// With the real library, where `deploy/crypto-mb` has made it and the processor can run it.
@Suite(.enabled("crypto_mb, and a processor for it") { MultiBuffer.library != nil })
struct MultiBufferTests {
    private let now = Instant(nanoseconds: 0)
    private let signer: MultiBufferSigner

    init() throws { signer = try MultiBufferSigner(library: try #require(MultiBuffer.library)) }

    @Test(arguments: [2_048, 3_072, 4_096])
    func `one to eight keys of one size sign as libcrypto does`(bits: Int) throws {
        let directory = try ScratchDirectory()
        // Large keys take seconds to make.
        let made = try (0..<(bits == 2_048 ? 8 : 2)).map { _ in
            try PrivateKey(pem: directory.rsa(bits: bits))
        }
        let keys = (0..<8).map { made[$0 % made.count] }
        for count in 1...8 {
            let tasks = try keys.prefix(count).enumerated().map { index, key in
                MultiBufferSigner.Task(
                    numbers: try #require(key.numbers), message: Array("message \(index)".utf8))
            }
            let expected = try zip(keys, tasks).map { try $0.sign($1.message) }
            #expect(signer.sign(tasks) == expected)
            #expect(signer.tally.filled == (count == 8 ? 1 : 0))
        }
    }

    /// Of two sizes, an Ed25519 key, one that is not there, and keys that crypto_mb cannot take.
    @Test func `a mixed batch is answered in its order`() throws {
        let directory = try ScratchDirectory()
        var ring = KeyRing(multiBuffer: signer)
        let pems = [
            try directory.rsa(bits: 2_048), try directory.rsa(bits: 2_048),
            try directory.rsa(bits: 3_072), try PrivateKey(generating: .ed25519).privatePEM(),
            try directory.openssl(
                "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3"),
            try directory.openssl(
                "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3"
            ),
        ]
        let ids = try (0...pems.count).map { try KeyID("https://our.example/users/\($0)#key") }
        for (id, pem) in zip(ids, pems) { ring.insert(id, pem: pem, now: now) }
        let tasks = (0..<40).map { index in
            SigningTask(keyID: ids[index * 5 % ids.count], bytes: Array("task \(index)".utf8))
        }
        let keys = try pems.map { try PrivateKey(pem: $0) }
        let expected = try tasks.map { task -> Result<MadeSignature, SigningFailure> in
            let place = try #require(ids.firstIndex(of: task.keyID))
            guard place < keys.count else { return .failure(.unknownKey) }
            return .success(
                MadeSignature(
                    bytes: try keys[place].sign(task.bytes), algorithm: keys[place].algorithm))
        }
        #expect(ring.sign(tasks, now: now) == expected)
        #expect(Set(tasks.map(\.keyID)).count == ids.count)
        #expect(signer.tally.signatures > 0)
    }

    @Test func `keys that do not fit its lanes are left to libcrypto`() throws {
        let directory = try ScratchDirectory()
        for options in ["rsa_keygen_pubexp:3", "rsa_keygen_primes:3"] {
            let pem = try directory.openssl(
                "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt \(options)")
            #expect(try PrivateKey(pem: pem).numbers == nil)
        }
        #expect(try PrivateKey(pem: directory.rsa(bits: 2_560)).numbers == nil)
        #expect(try PrivateKey(generating: .ed25519).numbers == nil)
    }
}

/// Libraries that are not what they should be: each is made here with the C compiler.
@Suite struct MultiBufferFallbackTests {
    @Test func `a library that is not there is refused with the words of the linker`() {
        #expect {
            _ = try MultiBufferSigner(library: "/nonexistent/libcrypto_mb.so")
        } throws: { error in
            guard case .notLoaded(let reason)? = error as? MultiBufferRefusal else { return false }
            return reason.contains("/nonexistent/libcrypto_mb.so")
        }
    }

    @Test func `another library is refused by the function that it has not`() {
        #expect(throws: MultiBufferRefusal.lacks("mbx_is_crypto_mb_applicable")) {
            _ = try MultiBufferSigner(library: "libcrypto.so.3")
        }
    }

    @Test func `a processor that it is not for is told apart`() throws {
        let library = try StandIn(source: StandIn.source(isApplicable: 0, goodCalls: 0))
        #expect(throws: MultiBufferRefusal.unfitProcessor) {
            _ = try MultiBufferSigner(library: library.path)
        }
    }

    @Test func `one that signs wrongly is found out before it has signed anything`() throws {
        let library = try StandIn(source: StandIn.source(isApplicable: 1, goodCalls: 0))
        #expect(throws: MultiBufferRefusal.wrongSignatures) {
            _ = try MultiBufferSigner(library: library.path)
        }
    }

    /// The stand-in signs rightly in its trial and once more.
    @Test func `one that begins to sign wrongly is not asked again and spoils nothing`() throws {
        let library = try StandIn(source: StandIn.source(isApplicable: 1, goodCalls: 2))
        var faults: [String] = []
        let signer = try MultiBufferSigner(library: library.path, leastLanes: 4) {
            faults.append($0)
        }
        let now = Instant(nanoseconds: 0)
        var ring = KeyRing(multiBuffer: signer)
        let directory = try ScratchDirectory()
        let pem = try directory.rsa()
        let id = try KeyID("https://our.example/users/alice#main-key")
        ring.insert(id, pem: pem, now: now)
        let key = try PrivateKey(pem: pem)
        for round in 0..<3 {
            let tasks = (0..<8).map {
                SigningTask(keyID: id, bytes: Array("round \(round), task \($0)".utf8))
            }
            let made = ring.sign(tasks, now: now)
            #expect(try made.map { try $0.get().bytes } == tasks.map { try key.sign($0.bytes) })
            #expect(faults.count == (round == 0 ? 0 : 1))
        }
        #expect(faults == ["a signature made by crypto_mb was wrong: from now on libcrypto signs"])
    }
}

private enum MultiBuffer {
    /// nil: there is none here, or the processor is not for it. A library that signs wrongly is
    /// not nil.
    static let library: String? = {
        let name =
            ProcessInfo.processInfo.environment["TRUNKLINE_CRYPTO_MB"]
            ?? MultiBufferSigner.standardName
        do throws(MultiBufferRefusal) {
            _ = try MultiBufferSigner(library: name)
            return name
        } catch {
            switch error {
            case .notLoaded, .unfitProcessor, .slower: return nil
            case .lacks, .wrongSignatures: return name
            }
        }
    }()
}

/// A shared library with the functions of crypto_mb that computes with libcrypto's large numbers,
/// and after some calls forgets one half of the Chinese remainder theorem.
private struct StandIn {
    let path: String
    private let directory: ScratchDirectory

    init(source: String) throws {
        directory = try ScratchDirectory()
        try directory.write(Array(source.utf8), to: "stand-in.c")
        path = directory.url.appendingPathComponent("stand-in.so").path
        let file = directory.url.appendingPathComponent("stand-in.c").path
        try run(
            ["clang", "-shared", "-fPIC", "-O2", "-o", path, file, "-lcrypto"], in: directory)
    }

    static func source(isApplicable: Int, goodCalls: Int) -> String {
        """
        #include <openssl/bn.h>
        #include <string.h>
        typedef const unsigned char *const *from_t;
        typedef unsigned char *const *to_t;
        typedef const BIGNUM *const *number_t;
        int mbx_is_crypto_mb_applicable(unsigned long long features) { return \(isApplicable); }
        unsigned mbx_rsa_public_ssl_mb8(from_t from, to_t to, number_t e, number_t n, int bits) {
            BN_CTX *context = BN_CTX_new();
            BIGNUM *base = BN_new();
            for (int lane = 0; lane < 8; lane++) {
                if (!from[lane]) continue;
                BN_bin2bn(from[lane], bits / 8, base);
                BN_mod_exp(base, base, e[lane], n[lane], context);
                BN_bn2binpad(base, to[lane], bits / 8);
            }
            BN_free(base);
            BN_CTX_free(context);
            return 0;
        }
        unsigned mbx_rsa_private_crt_ssl_mb8(
            from_t from, to_t to, number_t p, number_t q, number_t dp, number_t dq, number_t iq,
            int bits) {
            static int calls = 0;
            int is_good = ++calls <= \(goodCalls);
            BN_CTX *context = BN_CTX_new();
            BIGNUM *base = BN_new(), *by_p = BN_new(), *by_q = BN_new();
            for (int lane = 0; lane < 8; lane++) {
                if (!from[lane]) continue;
                BN_bin2bn(from[lane], bits / 8, base);
                BN_mod_exp(by_p, base, dp[lane], p[lane], context);
                BN_mod_exp(by_q, base, dq[lane], q[lane], context);
                if (!is_good) BN_zero(by_p);
                BN_mod_sub(by_p, by_p, by_q, p[lane], context);
                BN_mod_mul(by_p, by_p, iq[lane], p[lane], context);
                BN_mul(by_p, by_p, q[lane], context);
                BN_add(by_p, by_p, by_q);
                BN_bn2binpad(by_p, to[lane], bits / 8);
            }
            BN_free(base);
            BN_free(by_p);
            BN_free(by_q);
            BN_CTX_free(context);
            return 0;
        }
        """
    }
}
