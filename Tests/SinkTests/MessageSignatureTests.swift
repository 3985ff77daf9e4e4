import Foundation
import Testing

@testable import Sink

/// The second knock: RFC 9421.
@Suite struct MessageSignatureTests {
    struct Knock: Sendable {
        var components = ["@method", "@target-uri", "content-digest"]
        /// Seconds from now.
        var created: Int64 = 0
        var more = ""
        var sentBody: String?
        var label = "sig1"
        var rewriteInput: @Sendable (String) -> String = { $0 }
    }

    private func deliver(_ knock: Knock, _ sink: Harness) async throws -> CurlAnswer {
        let url = sink.url("h1", "/inbox?x=1")
        let body = Harness.activity("1")
        let digest = "sha-256=:\(try await sink.alice.digest(of: body)):"
        let names = knock.components.map { "\"\($0)\"" }.joined(separator: " ")
        let created = Int64(Date.now.timeIntervalSince1970) + knock.created
        let parameters =
            "(\(names));created=\(created);keyid=\"\(sink.alice.keyID)\"\(knock.more)"
        let lines = knock.components.map { name in
            let value =
                switch name {
                case "@method": "POST"
                case "@target-uri": url
                case "@authority": "h1.fedi.localhost:\(sink.ports.https)"
                case "@path": "/inbox"
                case "@query": "?x=1"
                case "content-digest": digest
                default: "application/activity+json"
                }
            return "\"\(name)\": \(value)"
        }
        let base = (lines + ["\"@signature-params\": \(parameters)"]).joined(separator: "\n")
        let signature = try await sink.alice.sign(base)
        return try await sink.post(
            url, body: knock.sentBody ?? body,
            headers: [
                "Content-Type: application/activity+json", "Content-Digest: \(digest)",
                "Signature-Input: \(knock.rewriteInput("\(knock.label)=\(parameters)"))",
                "Signature: sig1=:\(signature):",
            ])
    }

    @Test(arguments: [
        Knock(), Knock(more: ";alg=\"rsa-v1_5-sha256\""),
        Knock(components: [
            "@method", "@target-uri", "content-type", "content-digest", "@authority", "@path",
            "@query",
        ]),
    ])
    func `a second knock is taken`(_ knock: Knock) async throws {
        try await Harness.run { sink in
            let answer = try await deliver(knock, sink)
            #expect(answer.status == 202, "\(answer.text)")
        }
    }

    @Test(arguments: [
        (Refusal.Reason.notCovered, Knock(components: ["@method", "@target-uri"])),
        (.dateOld, Knock(created: -40)),
        (.dateAhead, Knock(created: 40)),
        (.digestMismatch, Knock(sentBody: "{}")),
        (.algorithm, Knock(more: ";alg=\"ed25519\"")),
        (.signatureMalformed, Knock(more: "; nonce=\"x\"")),
        (.signatureMalformed, Knock(label: "sig2")),
        (.signatureWrong, Knock(rewriteInput: { "\($0);tag=\"x\"" })),
    ])
    func `a bad second knock is refused with its reason`(
        reason: Refusal.Reason, _ knock: Knock
    ) async throws {
        try await Harness.run { sink in
            let answer = try await deliver(knock, sink)
            #expect(answer.status == 401)
            #expect(answer.text.hasPrefix(reason.rawValue), "\(answer.text)")
        }
    }
}
