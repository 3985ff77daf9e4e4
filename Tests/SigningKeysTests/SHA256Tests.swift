import HTTPSignatures
import SigningKeys
import Testing

@Suite struct SHA256Tests {
    private func hex(_ text: String) -> String {
        var digest = FollowersDigest()
        digest.toggle(SHA256.hash(Array(text.utf8)))
        return digest.hex
    }

    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func `known hashes come out`(text: String, expected: String) {
        #expect(hex(text) == expected)
    }

    @Test func `the digest of FEP-8fcf's followers is its test vector`() {
        var digest = FollowersDigest()
        for id in ["https://testing.example.org/users/1", "https://testing.example.org/users/2"] {
            digest.toggle(SHA256.hash(Array(id.utf8)))
        }
        #expect(
            digest.hex == "c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f")
    }
}
