import FaultHarness
import Testing

extension EndToEnd.OnePool {
    /// Followers that PostgreSQL holds, addressed by one name.
    @Suite(.serialized) struct AudienceTests {
        @Test func `a named audience becomes one activity and one post per distinct inbox`() throws
        {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            // Half of the hosts have a shared inbox, where their thirty followers become one.
            let hosts = (0..<100).map { "a\($0)" }
            var expected: Set<Pair> = []
            let note = Note("followers")
            for (index, host) in hosts.enumerated() {
                let shared = index.isMultiple(of: 2) ? sink.inbox(host, "/shared") : nil
                try pool.query(
                    """
                    insert into trunkline.follower (audience, inbox, shared_inbox)
                    select 'alice/followers', $1 || '/users/u' || n || '/inbox', $2
                    from generate_series(1, 30) n
                    """, [sink.inbox(host, ""), shared])
                let inboxes =
                    shared.map { [$0] }
                    ?? (1...30).map { sink.inbox(host, "/users/u\($0)/inbox") }
                expected.formUnion(note.pairs(inboxes))
            }
            try pool.enqueue([
                ("activity", note.body), ("key", federation.sender.keyID),
                ("audience", "alice/followers"),
            ])
            try Poll.until("all \(expected.count) delivered", within: .seconds(120)) {
                try pool.states(of: expected) == ["delivered": expected.count]
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty)
            #expect(tally.duplicates == 0)
        }

        @Test func `an audience that cannot be read is set aside and blocks no lane`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            try pool.query("alter table trunkline.follower rename to follower_away")
            var isBack = false
            func bringBack() throws {
                if !isBack {
                    try pool.query("alter table trunkline.follower_away rename to follower")
                }
                isBack = true
            }
            defer { try? bringBack() }
            let id = try pool.enqueue([
                ("activity", Note("unreadable").body), ("key", federation.sender.keyID),
                ("audience", "alice/followers"),
            ])
            let expected = try federation.send(["after-unreadable"], to: [sink.inbox("lane")])
            let pair = try #require(expected.first)
            try Poll.until("the next entry is delivered", within: .seconds(20)) {
                try pool.delivery(pair)?.state == "delivered"
            }
            try Poll.until("it is set aside", within: .seconds(20)) {
                try pool.rejected().contains { $0.id == id }
            }
            let rejection = try #require(try pool.rejected().first { $0.id == id })
            #expect(rejection.code == "audience-unreadable")
            #expect(rejection.reason.contains("trunkline.follower"))
            #expect(rejection.reason.contains("42P01"))
            try bringBack()
        }
    }
}
