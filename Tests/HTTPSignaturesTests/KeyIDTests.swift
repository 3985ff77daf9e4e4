import HTTPSignatures
import Testing

@Suite struct KeyIDTests {
    @Test(arguments: [
        "https://our.example/users/alice#main-key", "https://our.example/users/alice?key",
        "https://xn--bcher-kva.example/@a#k",
    ])
    func `an https URL is a keyId`(text: String) throws {
        #expect(try KeyID(text).text == text)
    }

    @Test(arguments: [
        ("", KeyID.Flaw.notHTTPS), ("https://", .notHTTPS), ("acct:alice@our.example", .notHTTPS),
        ("http://our.example/users/alice#main-key", .notHTTPS),
        ("HTTPS://our.example/a", .notHTTPS),
        ("https://our.example/a,b", .forbiddenByte(UInt8(ascii: ","))),
        ("https://our.example/a\"b", .forbiddenByte(UInt8(ascii: "\""))),
        ("https://our.example/?a=b", .forbiddenByte(UInt8(ascii: "="))),
        ("https://our.example/a b", .forbiddenByte(0x20)),
        ("https://our.example/a;b", .forbiddenByte(UInt8(ascii: ";"))),
        ("https://our.example/a\\b", .forbiddenByte(UInt8(ascii: "\\"))),
        ("https://our.example/a\r\nX: y", .forbiddenByte(0x0D)),
        ("https://bücher.example/a", .forbiddenByte(0xC3)),
        ("https://our.example/" + String(repeating: "a", count: 2_029), .tooLong),
    ])
    func `what some receiver could not parse is refused`(text: String, flaw: KeyID.Flaw) {
        #expect(throws: flaw) { try KeyID(text) }
    }

    @Test func `the longest keyId is taken`() throws {
        let text = "https://our.example/" + String(repeating: "a", count: 2_028)
        #expect(try KeyID(text).text.utf8.count == KeyID.byteLimit)
    }

    @Test func `the advice names the byte`() {
        #expect(KeyID.Flaw.forbiddenByte(UInt8(ascii: ",")).advice.contains("','"))
        #expect(KeyID.Flaw.forbiddenByte(0x20).advice.contains("a blank"))
        #expect(KeyID.Flaw.forbiddenByte(0xC3).advice.contains("0xC3"))
    }
}
