import DeliveryCore
import HTTPSignatures
import Testing

/// RFC 9421 as `facts/receivers.md` 1.2 has it.
@Suite struct MessageSignatureTests {
    private let contentDigest = Digest.contentDigestValue(
        sha256: [UInt8](repeating: 0, count: 32))

    private func signature(
        synchronization: CollectionSynchronization? = nil, algorithm: SignatureAlgorithm? = nil
    ) throws -> MessageSignature {
        MessageSignature(
            target: try InboxTarget(url: "https://Remote.example:443/inbox?x=1#f"),
            contentDigest: contentDigest, collectionSynchronization: synchronization,
            keyID: try KeyID("https://our.example/users/alice#main-key"),
            created: WallTime(milliseconds: 1_788_339_907_999), algorithm: algorithm)
    }

    @Test func `the base has one line a component and the parameters last`() throws {
        #expect(
            text(try signature().base) == """
                "@method": POST
                "@target-uri": https://remote.example/inbox?x=1
                "content-digest": sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:
                "@signature-params": ("@method" "@target-uri" "content-digest");\
                created=1788339907;keyid="https://our.example/users/alice#main-key"
                """)
    }

    @Test func `the fields carry one label`() throws {
        #expect(
            text(try signature().inputValue)
                == #"sig1=("@method" "@target-uri" "content-digest");created=1788339907;"#
                + #"keyid="https://our.example/users/alice#main-key""#)
        #expect(text(try signature().signatureValue([0xFB, 0xFF, 0xFE])) == "sig1=:+//+:")
    }

    @Test(arguments: [nil, SignatureAlgorithm.rsaSHA256, .ed25519])
    func `the field and the signed line have the same bytes`(
        algorithm: SignatureAlgorithm?
    ) throws {
        let signature = try signature(algorithm: algorithm)
        let line = try #require(text(signature.base).split(separator: "\n").last)
        #expect(line == "\"@signature-params\": " + text(signature.inputValue).dropFirst(5))
    }

    @Test(arguments: [
        (SignatureAlgorithm.rsaSHA256, #";alg="rsa-v1_5-sha256""#),
        (.ed25519, #";alg="ed25519""#),
    ])
    func `the algorithm is named when asked for`(
        algorithm: SignatureAlgorithm, suffix: String
    ) throws {
        #expect(text(try signature(algorithm: algorithm).inputValue).hasSuffix(suffix))
    }

    @Test func `collection-synchronization is covered when it is sent`() throws {
        var digest = FollowersDigest()
        digest.toggle([UInt8](repeating: 0xAB, count: 32))
        let synchronization = try CollectionSynchronization(
            collectionID: "https://our.example/f", url: "https://our.example/f?d",
            digest: digest)
        let signature = try signature(synchronization: synchronization)
        let lines = text(signature.base).split(separator: "\n")
        #expect(lines[3] == "\"collection-synchronization\": " + text(synchronization.value))
        #expect(
            text(signature.inputValue).hasPrefix(
                #"sig1=("@method" "@target-uri" "content-digest" "collection-synchronization")"#))
    }
}
