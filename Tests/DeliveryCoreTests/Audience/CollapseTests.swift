import DeliveryCore
import Testing

@Suite struct CollapseTests {
    /// What an adapter that knows URLs would say: `https` with a host is an inbox, `host` alone.
    static func address(_ url: String) -> Collapse.Address {
        guard url.hasPrefix("https://") else {
            return .failure(AddressProblem(reason: "unsupported-scheme", detail: url))
        }
        let host = url.dropFirst(8).prefix { $0 != "/" }
        return .success(Collapse.Inbox(url: url, host: String(host), isShared: false))
    }

    static func collapse(
        _ recipients: [Recipient], ownHosts: Set<String> = ["own.example"],
        exclude: [String] = []
    ) -> Collapse {
        var collapse = Collapse(ownHosts: ownHosts, exclude: exclude)
        for recipient in recipients { collapse.add(recipient, address: Self.address) }
        return collapse
    }

    let alice = Recipient(
        inbox: "https://b.example/alice/inbox", sharedInbox: "https://b.example/inbox")
    let bob = Recipient(
        inbox: "https://b.example/bob/inbox", sharedInbox: "https://b.example/inbox")

    @Test func `two actors of one server share one post`() {
        let collapse = Self.collapse([alice, bob])
        #expect(
            collapse.inboxes == [
                Collapse.Inbox(url: "https://b.example/inbox", host: "b.example", isShared: true)
            ])
        #expect(collapse.unusable.isEmpty)
    }

    @Test func `a direct recipient gets it in its own inbox`() {
        var direct = bob
        direct.direct = true
        let collapse = Self.collapse([alice, direct])
        #expect(collapse.inboxes.map(\.url) == ["https://b.example/inbox", bob.inbox])
        #expect(collapse.inboxes.map(\.isShared) == [true, false])
    }

    @Test func `a recipient without a shared inbox gets it in its own`() {
        let collapse = Self.collapse([Recipient(inbox: "https://c.example/i"), alice])
        #expect(collapse.inboxes.map(\.url) == ["https://c.example/i", "https://b.example/inbox"])
    }

    @Test func `an inbox named twice gets it once`() {
        let twice = Recipient(inbox: "https://c.example/i")
        #expect(Self.collapse([twice, twice, twice]).inboxes.count == 1)
    }

    @Test func `one inbox written in two ways gets it once`() {
        var collapse = Collapse(ownHosts: [], exclude: [])
        for inbox in ["https://C.example/i", "https://c.example/i"] {
            collapse.add(Recipient(inbox: inbox)) { Self.address($0.lowercased()) }
        }
        #expect(collapse.inboxes.map(\.url) == ["https://c.example/i"])
    }

    @Test func `an excluded inbox gets nothing`() {
        #expect(
            Self.collapse(
                [Recipient(inbox: "https://c.example/i")], exclude: ["https://c.example/i"]
            )
            .inboxes.isEmpty)
    }

    @Test func `an excluded shared inbox gets nothing, and its actors neither`() {
        let collapse = Self.collapse([alice, bob], exclude: ["https://b.example/inbox"])
        #expect(collapse.inboxes.isEmpty)
        #expect(collapse.unusable.isEmpty)
    }

    @Test func `an excluded actor does not cost its neighbours their shared inbox`() {
        let collapse = Self.collapse([alice, bob], exclude: [alice.inbox])
        #expect(collapse.inboxes.map(\.url) == ["https://b.example/inbox"])
    }

    @Test func `an inbox excluded in its normal form gets nothing however it is written`() {
        var collapse = Collapse(ownHosts: [], exclude: ["https://c.example/i"])
        collapse.add(Recipient(inbox: "https://C.example/i")) { Self.address($0.lowercased()) }
        #expect(collapse.inboxes.isEmpty)
    }

    @Test func `the sender's own host gets nothing`() {
        let collapse = Self.collapse([
            Recipient(inbox: "https://own.example/me"),
            Recipient(inbox: "https://x.own.example/me"),
        ])
        #expect(collapse.inboxes.map(\.host) == ["x.own.example"])
        #expect(collapse.unusable.isEmpty)
    }

    @Test(arguments: ["as:Public", "Public", "https://www.w3.org/ns/activitystreams#Public"])
    func `the public collection has no inbox`(name: String) {
        let collapse = Self.collapse([Recipient(inbox: name)])
        #expect(collapse.inboxes.isEmpty)
        #expect(collapse.unusable.isEmpty)
    }

    @Test func `a broken shared inbox falls back to the personal one`() {
        let recipient = Recipient(
            inbox: "https://b.example/alice", sharedInbox: "gopher://b.example")
        let collapse = Self.collapse([recipient])
        #expect(
            collapse.inboxes == [
                Collapse.Inbox(url: "https://b.example/alice", host: "b.example", isShared: false)
            ])
        #expect(collapse.unusable.isEmpty)
    }

    @Test func `an unusable recipient is set aside once and spoils no other`() {
        let broken = Recipient(inbox: "gopher://b.example/i")
        let collapse = Self.collapse([broken, alice, broken])
        #expect(collapse.inboxes.map(\.url) == ["https://b.example/inbox"])
        #expect(collapse.unusable.map(\.url) == ["gopher://b.example/i"])
        #expect(collapse.unusable.map(\.problem.reason) == ["unsupported-scheme"])
    }

    @Test func `a recipient with both addresses broken is set aside under its own`() {
        let collapse = Self.collapse([Recipient(inbox: "gopher://1", sharedInbox: "gopher://2")])
        #expect(collapse.inboxes.isEmpty)
        #expect(collapse.unusable.map(\.url) == ["gopher://1"])
    }

    @Test func `a URL is parsed at most twice a recipient`() {
        var asked: [String] = []
        var collapse = Collapse(ownHosts: [], exclude: [])
        collapse.add(Recipient(inbox: "gopher://1", sharedInbox: "gopher://2")) { url in
            asked.append(url)
            return Self.address(url)
        }
        #expect(asked == ["gopher://2", "gopher://1"])
    }
}
