import HTTPSignatures
import Testing

@Suite struct CollectionSynchronizationTests {
    private func digest(_ byte: UInt8 = 0x0F) -> FollowersDigest {
        var digest = FollowersDigest()
        digest.toggle([UInt8](repeating: byte, count: 32))
        return digest
    }

    @Test func `the value has the three parameters of the FEP`() throws {
        let value = try CollectionSynchronization(
            collectionID: "https://our.example/f", url: "https://our.example/p",
            digest: digest()
        ).value
        let hex = String(repeating: "0f", count: 32)
        #expect(
            text(value)
                == #"collectionId="https://our.example/f", url="https://our.example/p", "#
                + #"digest="\#(hex)""#)
    }

    @Test func `no followers there means no field`() {
        #expect(throws: CollectionSynchronization.Flaw.noFollowers) {
            try CollectionSynchronization(
                collectionID: "https://our.example/f", url: "https://our.example/p",
                digest: FollowersDigest())
        }
    }

    @Test(arguments: [
        (
            "https://our.example/f", "https://other.example/p",
            CollectionSynchronization.Flaw.otherAuthority
        ),
        ("https://our.example/f", "http://our.example/p", .otherAuthority),
        ("https://our.example/f", "https://our.example:8443/p", .otherAuthority),
        ("acct:a@b", "https://our.example/p", .notHTTP("acct:a@b")),
        (
            "https://our.example/f", "https://our.example/\r\nX: y",
            .notHTTP("https://our.example/\r\nX: y")
        ),
        ("https://our.example/f\"", "https://our.example/p", .forbiddenByte(UInt8(ascii: "\""))),
        ("https://our.example/f", "https://our.example/p,q", .forbiddenByte(UInt8(ascii: ","))),
    ])
    func `what receivers would misread is refused`(
        collection: String, url: String, flaw: CollectionSynchronization.Flaw
    ) {
        #expect(throws: flaw) {
            try CollectionSynchronization(collectionID: collection, url: url, digest: digest())
        }
    }

    @Test func `a follower toggled twice is gone, in any order`() {
        let hashes = (1...5).map { [UInt8](repeating: $0, count: 32) }
        var forwards = FollowersDigest()
        var backwards = FollowersDigest()
        for hash in hashes { forwards.toggle(hash) }
        for hash in hashes.reversed() { backwards.toggle(hash) }
        #expect(forwards == backwards)
        #expect(!forwards.isEmpty)
        for hash in hashes { forwards.toggle(hash) }
        #expect(forwards.isEmpty)
    }

    @Test func `the bytes keep their places`() {
        var digest = FollowersDigest()
        digest.toggle((0..<32).map { UInt8($0 * 8 + 1) })
        #expect(digest.bytes == (0..<32).map { UInt8($0 * 8 + 1) })
        #expect(digest.hex.hasPrefix("0109111921"))
        #expect(digest.hex.utf8.count == 64)
    }
}
