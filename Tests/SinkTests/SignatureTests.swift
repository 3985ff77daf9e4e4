import Foundation
import Testing

@testable import Sink

/// A way to get a signature wrong, and what the sink calls it.
struct Mistake: Sendable, CustomTestStringConvertible {
    let reason: Refusal.Reason
    let testDescription: String
    let make: @Sendable (inout SignedRequest) -> Void

    init(
        _ reason: Refusal.Reason, _ name: String,
        _ make: @escaping @Sendable (inout SignedRequest) -> Void
    ) {
        self.reason = reason
        testDescription = name
        self.make = make
    }

    static let all: [Mistake] = [
        Mistake(.digestMismatch, "another body") { $0.sentBody = "{}" },
        Mistake(.digestMalformed, "lower case digest name") {
            $0.overrides["digest"] = "sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        },
        Mistake(.digestMissing, "no digest") { $0.overrides["digest"] = "" },
        Mistake(.dateOld, "32 seconds old") { $0.date = .now - 32 },
        Mistake(.dateAhead, "20 seconds ahead") { $0.date = .now + 20 },
        Mistake(.dateMalformed, "RFC 850 date") {
            $0.overrides["date"] = "Sunday, 06-Nov-94 08:49:37 GMT"
        },
        Mistake(.dateMissing, "no date") { $0.overrides["date"] = "" },
        Mistake(.hostMismatch, "no port") { $0.overrides["host"] = "h1.fedi.localhost" },
        Mistake(.hostMismatch, "upper case") { request in
            request.overrides["host"] = request.authority.uppercased()
        },
        Mistake(.signatureMissing, "no signature") { $0.rewrite = { _ in "" } },
        Mistake(.signatureMalformed, "blank after comma") { $0.separator = ", " },
        Mistake(.signatureMalformed, "blank before the signature only") {
            $0.rewrite = { $0.replacing(",signature", with: ", signature") }
        },
        Mistake(.signatureMalformed, "another order") {
            $0.rewrite = { header in
                let parts = header.split(separator: ",")
                return ([parts[1], parts[0]] + parts[2...]).joined(separator: ",")
            }
        },
        Mistake(.signatureMalformed, "unquoted") {
            $0.rewrite = { $0.replacing("\"rsa-sha256\"", with: "rsa-sha256") }
        },
        Mistake(.signatureMalformed, "a parameter more") {
            $0.rewrite = { "\($0),created=\"1\"" }
        },
        Mistake(.signatureMalformed, "unpadded") {
            $0.rewrite = { $0.replacing("==\"", with: "\"") }
        },
        Mistake(.signatureMalformed, "upper case header name") {
            $0.rewrite = { $0.replacing("host date", with: "Host date") }
        },
        Mistake(.notCovered, "digest not covered") {
            $0.covered = ["(request-target)", "host", "date"]
        },
        Mistake(.notCovered, "target not covered") { $0.covered = ["host", "date", "digest"] },
        Mistake(.coveredMissing, "a header that is not there") { $0.covered.append("x-none") },
        Mistake(.unknownKey, "unknown key") { $0.keyID = "https://nobody.example/#main-key" },
        Mistake(.algorithm, "another algorithm") { $0.algorithm = "rsa-sha512" },
        Mistake(.signatureWrong, "covered in another order than signed") {
            $0.rewrite = { $0.replacing("host date", with: "date host") }
        },
        Mistake(.userAgentMissing, "no user agent") { $0.overrides["user-agent"] = "" },
        Mistake(.contentType, "plain JSON") {
            $0.overrides["content-type"] = "application/json"
        },
        Mistake(.forbiddenHeader, "Authorization") { $0.overrides["authorization"] = "x" },
        Mistake(.forbiddenHeader, "chunked") { $0.overrides["transfer-encoding"] = "chunked" },
    ]
}

@Suite struct SignatureTests {
    @Test func `a well signed activity is taken, with its query in the target`() async throws {
        try await Harness.run { sink in
            for (scheme, path) in [("https", "/inbox?x=1"), ("http", "/@a/inbox")] {
                let answer = try await sink.deliver(
                    Harness.activity("1"), to: sink.url("h17", path, scheme: scheme))
                #expect(answer.status == 202, "\(answer.text)")
            }
            let report = await sink.server.report
            #expect(report.accepted == 2)
            #expect(report.badSignatures.isEmpty)
        }
    }

    @Test(arguments: Mistake.all)
    func `a mistake is refused with its reason`(_ mistake: Mistake) async throws {
        try await Harness.run { sink in
            let answer = try await sink.deliver(
                Harness.activity("1"), to: sink.url(), change: mistake.make)
            #expect(answer.status == 401)
            #expect(answer.text.hasPrefix(mistake.reason.rawValue), "\(answer.text)")
            let report = await sink.server.report
            #expect(report.badSignatures == [mistake.reason.rawValue: 1])
            #expect(report.refused == ["401": 1])
            #expect(report.accepted == 0)
        }
    }

    @Test func `a request without a length is refused`() async throws {
        try await Harness.run { sink in
            let answer = try await sink.post(sink.url(), body: nil)
            #expect(answer.text.hasPrefix(Refusal.Reason.contentLengthMissing.rawValue))
        }
    }

    @Test func `another actor's key does not pass for Alice's`() async throws {
        try await Harness.run { sink in
            let mallory = try await Signer(
                keyID: sink.alice.keyID, in: sink.directory, name: "mallory")
            let answer = try await sink.deliver(Harness.activity("1"), to: sink.url()) {
                $0.signer = mallory
            }
            #expect(answer.text.hasPrefix(Refusal.Reason.signatureWrong.rawValue))
        }
    }

    @Test func `a key that appears later, or is changed, is found`() async throws {
        try await Harness.run { sink in
            let id = "https://social.example/users/bob#main-key"
            let bob = try await Signer(keyID: id, in: sink.directory, name: "bob")
            let deliver: (Signer) async throws -> CurlAnswer = { signer in
                try await sink.deliver(Harness.activity("1"), to: sink.url()) {
                    $0.signer = signer
                }
            }
            #expect(try await deliver(bob).text.hasPrefix(Refusal.Reason.unknownKey.rawValue))
            try bob.publish(in: sink.actors)
            try await until("Bob's key is found") { try await deliver(bob).status == 202 }

            let another = try await Signer(keyID: id, in: sink.directory, name: "bob")
            try another.publish(in: sink.actors)
            try await until("his new key is found") { try await deliver(another).status == 202 }
        }
    }

    @Test(arguments: ["ed25519", "hs2019"])
    func `an Ed25519 signature is taken`(algorithm: String) async throws {
        try await Harness.run { sink in
            let carol = try await Signer(
                keyID: "https://social.example/users/carol#ed", in: sink.directory, name: "carol",
                kind: .ed25519)
            try carol.publish(in: sink.actors)
            let answer = try await sink.deliver(Harness.activity("1"), to: sink.url()) {
                $0.signer = carol
                $0.algorithm = algorithm
            }
            #expect(answer.status == 202, "\(answer.text)")
        }
    }

    @Test func `nothing is verified when it is off`() async throws {
        try await Harness.run(verifies: false) { sink in
            let answer = try await sink.post(sink.url(), body: Harness.activity("1"))
            #expect(answer.status == 202)
        }
    }

    @Test func `a signature header becomes no weaker by hostile bytes`() async throws {
        try await Harness.run { sink in
            for header in [
                "Signature: ", "Signature: keyId=\"", "Signature: keyId=\"\",algorithm=\"\"",
                "Signature: ,,,,", "Signature: \u{e9}",
            ] {
                let answer = try await sink.deliver(Harness.activity("1"), to: sink.url()) {
                    $0.rewrite = { _ in String(header.dropFirst("Signature: ".count)) }
                }
                #expect(answer.status == 401)
            }
        }
    }
}
