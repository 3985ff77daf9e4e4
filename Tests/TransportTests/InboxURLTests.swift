import Testing

@testable import Transport

struct InboxURLTests {
    @Test(arguments: [
        ("https://example.com/inbox", "example.com", "/inbox"),
        ("HTTPS://EXAMPLE.com:443/Inbox", "example.com", "/Inbox"),
        ("https://example.com:8443/inbox", "example.com:8443", "/inbox"),
        ("http://example.com:80", "example.com", "/"),
        ("http://example.com:443/", "example.com:443", "/"),
        ("https://example.com:0443/", "example.com", "/"),
        ("https://example.com./inbox", "example.com", "/inbox"),
        ("https://example.com/inbox?a=b#fragment", "example.com", "/inbox?a=b"),
        ("https://example.com?a=b", "example.com", "/?a=b"),
        ("https://example.com/%41/../b", "example.com", "/%41/../b"),
        ("https://ex%61mple.com/", "example.com", "/"),
        ("https://bücher.example/inbox", "xn--bcher-kva.example", "/inbox"),
        ("https://BÜCHER.example/inbox", "xn--bcher-kva.example", "/inbox"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("https://under_score.example/", "under_score.example", "/"),
        ("http://2130706433/", "127.0.0.1", "/"),
        ("http://0x7f.1:8080/", "127.0.0.1:8080", "/"),
        ("http://0177.0.0.1/", "127.0.0.1", "/"),
        ("http://１２７.0.0.1/", "127.0.0.1", "/"),
        ("http://%31%32%37.0.0.1/", "127.0.0.1", "/"),
        ("http://[::1]/", "[::1]", "/"),
        ("http://[::FFFF:10.0.0.1]:81/", "[::ffff:10.0.0.1]:81", "/"),
    ])
    func `a URL becomes what libcurl sends`(text: String, authority: String, target: String) throws
    {
        let inbox = try InboxURL.parse(text)
        #expect(inbox.authority == authority)
        #expect(inbox.requestTarget == target)
        #expect(inbox.url == "\(inbox.scheme)://\(authority)\(target)")
        #expect(try InboxURL.parse(inbox.url) == inbox, "parsing is idempotent")
    }

    @Test(arguments: [
        ("", InboxURLProblem.scheme),
        ("example.com/inbox", .scheme),
        ("//example.com/inbox", .scheme),
        ("ftp://example.com/", .scheme),
        ("file:///etc/passwd", .scheme),
        ("javascript:alert(1)", .scheme),
        ("http:/example.com/", .malformed),
        ("https:example.com/", .malformed),
        ("https://", .noHost),
        ("https:///inbox", .noHost),
        ("https://?a=b", .noHost),
        ("https://:443/", .noHost),
        ("https://user@example.com/", .userInformation),
        ("https://user:secret@example.com/", .userInformation),
        ("https://@example.com/", .userInformation),
        ("https://example.com/a b", .forbiddenCharacter),
        ("https://exa mple.com/", .forbiddenCharacter),
        ("https://example.com/\r\nX: y", .forbiddenCharacter),
        ("https://example.com/\u{0}", .forbiddenCharacter),
        ("https://example.com/\u{7F}", .forbiddenCharacter),
        ("https://example.com:0/", .invalidHost),
        ("https://example.com:65536/", .invalidHost),
        ("https://example.com:http/", .invalidHost),
        ("https://[fe80::1%25eth0]/", .invalidHost),
        ("https://[::1/", .invalidHost),
        ("https://exa*mple.com/", .invalidHost),
        ("https://a..b/", .invalidHost),
        ("https://./", .noHost),
        ("https://example.com\\@other.example/", .userInformation),
        ("https://\(String(repeating: "a", count: 64)).example/", .invalidHost),
        ("https://example.com/\(String(repeating: "a", count: 2_029))", .tooLong),
        // 710 bytes, of which 2,070 would be sent, and stored.
        ("https://example.com/\(String(repeating: "é", count: 345))", .tooLong),
    ])
    func `a URL that is no inbox is refused`(text: String, problem: InboxURLProblem) {
        #expect(throws: problem) { try InboxURL.parse(text) }
    }

    @Test func `the longest URL that is taken has 2,048 bytes`() throws {
        let longest = "https://example.com/" + String(repeating: "a", count: 2_028)
        #expect(try InboxURL.parse(longest).url == longest)
    }
}
