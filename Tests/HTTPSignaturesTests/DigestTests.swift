import HTTPSignatures
import Testing

@Suite struct DigestTests {
    /// SHA-256 of `{"hello": "world"}`; its base64 is the example of RFC 9530 and of draft-cavage.
    private let hash: [UInt8] = [
        0x5F, 0x8F, 0x04, 0xF6, 0xA3, 0xA8, 0x92, 0xAA, 0xAB, 0xBD, 0xDB, 0x6C, 0xF2, 0x73, 0x89,
        0x44, 0x93, 0x77, 0x39, 0x60, 0xD4, 0xA3, 0x25, 0xB1, 0x05, 0xFE, 0xE4, 0x6E, 0xEF, 0x43,
        0x04, 0xF1,
    ]

    @Test func `the label of Digest is in upper case and the value padded`() {
        #expect(
            text(Digest.value(sha256: hash))
                == "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=")
    }

    @Test func `Content-Digest is a byte sequence in a dictionary`() {
        #expect(
            text(Digest.contentDigestValue(sha256: hash))
                == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")
    }
}
