import DeliveryCore
import HTTPSignatures
import Testing

/// The one request of `facts/receivers.md` section 1, byte for byte.
@Suite struct DraftCavageTests {
    private let request = DraftCavage.Request(
        target: Array("/inbox?x=1".utf8), host: Array("remote.example:8443".utf8),
        date: HTTPDate.imfFixdate(WallTime(milliseconds: 1_788_339_907_999)),
        digest: Digest.value(sha256: [UInt8](repeating: 0, count: 32)))

    private func synchronized() throws -> DraftCavage.Request {
        var request = request
        var digest = FollowersDigest()
        digest.toggle([UInt8](repeating: 0xAB, count: 32))
        request.collectionSynchronization = try CollectionSynchronization(
            collectionID: "https://our.example/users/alice/followers",
            url: "https://our.example/users/alice/followers_synchronization", digest: digest)
        return request
    }

    private func signatureValue(_ request: DraftCavage.Request) throws -> String {
        text(
            DraftCavage.signatureValue(
                keyID: try KeyID("https://our.example/users/alice#main-key"),
                algorithm: .rsaSHA256, request: request, signature: [0xFB, 0xFF, 0xFE]))
    }

    @Test func `the signing string covers target, host, date and digest`() {
        #expect(
            text(DraftCavage.signingString(request)) == """
                (request-target): post /inbox?x=1
                host: remote.example:8443
                date: Wed, 02 Sep 2026 09:05:07 GMT
                digest: SHA-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
                """)
    }

    @Test func `collection-synchronization is appended when it is sent`() throws {
        let digest = String(repeating: "ab", count: 32)
        #expect(
            text(DraftCavage.signingString(try synchronized())) == """
                \(text(DraftCavage.signingString(request)))
                collection-synchronization: \
                collectionId="https://our.example/users/alice/followers", \
                url="https://our.example/users/alice/followers_synchronization", \
                digest="\(digest)"
                """)
    }

    @Test func `the Signature field quotes everything and has no blank after a comma`() throws {
        #expect(
            try signatureValue(request)
                == #"keyId="https://our.example/users/alice#main-key",algorithm="rsa-sha256","#
                + #"headers="(request-target) host date digest",signature="+//+""#)
    }

    @Test func `a synchronized request says that it covers the field`() throws {
        #expect(
            try signatureValue(synchronized()).contains(
                #"headers="(request-target) host date digest collection-synchronization","#))
    }

    @Test func `the names of the headers match the lines of the signing string`() throws {
        for request in [request, try synchronized()] {
            let lines = text(DraftCavage.signingString(request)).split(separator: "\n")
            let names = lines.map { $0.split(separator: ": ")[0] }.joined(separator: " ")
            #expect(try signatureValue(request).contains(#",headers="\#(names)","#))
        }
    }

    @Test func `an Ed25519 key goes by the only label that the draft has for it`() throws {
        let value = DraftCavage.signatureValue(
            keyID: try KeyID("https://our.example/k"), algorithm: .ed25519, request: request,
            signature: [])
        #expect(text(value).contains(#"algorithm="hs2019""#))
    }
}
