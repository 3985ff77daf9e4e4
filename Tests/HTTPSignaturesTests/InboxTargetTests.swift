import HTTPSignatures
import Testing

@Suite struct InboxTargetTests {
    @Test(arguments: [
        ("https://remote.example/inbox", "remote.example", "/inbox"),
        ("https://Remote.EXAMPLE/Inbox", "remote.example", "/Inbox"),
        ("HTTPS://remote.example:443/inbox", "remote.example", "/inbox"),
        ("https://remote.example:8443/inbox", "remote.example:8443", "/inbox"),
        ("https://remote.example:/inbox", "remote.example", "/inbox"),
        ("https://remote.example:0443/inbox", "remote.example", "/inbox"),
        ("http://remote.example:80/inbox", "remote.example", "/inbox"),
        ("http://remote.example:443/inbox", "remote.example:443", "/inbox"),
        ("https://remote.example", "remote.example", "/"),
        ("https://remote.example?x=1", "remote.example", "/?x=1"),
        (
            "https://remote.example/?rest_route=/inbox&x=1#top", "remote.example",
            "/?rest_route=/inbox&x=1"
        ),
        ("https://remote.example/@name/inbox", "remote.example", "/@name/inbox"),
        ("https://remote.example/%40name//../inbox", "remote.example", "/%40name//../inbox"),
        ("https://[2001:DB8::1]:8443/inbox", "[2001:db8::1]:8443", "/inbox"),
        ("https://[2001:db8::1]/inbox", "[2001:db8::1]", "/inbox"),
    ])
    func `the authority is normalised and the path is not`(
        url: String, authority: String, target: String
    ) throws {
        let inbox = try InboxTarget(url: url)
        #expect(text(inbox.authority) == authority)
        #expect(text(inbox.requestTarget) == target)
    }

    @Test func `the URI leaves the fragment out and the path the query`() throws {
        let inbox = try InboxTarget(url: "https://Remote.example:443/in?x=1#top")
        #expect(text(inbox.uri) == "https://remote.example/in?x=1")
        #expect(text(inbox.path) == "/in")
    }

    @Test(arguments: [
        ("", InboxTarget.Flaw.notHTTP), ("as:Public", .notHTTP), ("ftp://a/", .notHTTP),
        ("//a/b", .notHTTP), ("https:///inbox", .hasNoHost), ("https://:443/", .hasNoHost),
        ("https://a@b/inbox", .hasUserInformation), ("https://a:b/", .malformedAuthority),
        ("https://a:0/", .malformedAuthority), ("https://a:65536/", .malformedAuthority),
        ("https://a:123456/", .malformedAuthority), ("https://a%2Fb/", .malformedAuthority),
        ("https://[::1/", .malformedAuthority), ("https://[x]/", .malformedAuthority),
        ("https://[]/", .malformedAuthority), ("https://[::1]x/", .malformedAuthority),
        ("https://a/b c", .forbiddenByte(0x20)), ("https://a/b\nHost: c", .forbiddenByte(0x0A)),
        ("https://bücher.example/", .forbiddenByte(0xC3)),
    ])
    func `what cannot stand in a request is refused`(url: String, flaw: InboxTarget.Flaw) {
        #expect(throws: flaw) { try InboxTarget(url: url) }
    }
}
