import DeliveryCore
import EventLoop
import PostgresStore
import Testing

/// What operators have decided, as workers read it.
struct ControlTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    @Test func `the controls that are in force are read, and no others`() throws {
        try fixture.database.query(
            """
            insert into trunkline.control
                (kind, host, lane, key_id, per_second, actor, reason, until)
            values
                ('pause', null, null, null, null, 'me', '', null),
                ('limit', 'h1.example', null, null, 0.5, 'me', '', now() + interval '1 hour'),
                ('block', 'h2.example', null, null, null, 'me', '', now() - interval '1 hour'),
                ('pause', null, 'bulk', null, null, 'me', 'full', null),
                ('pause', null, null, 'https://a.example/k', null, 'me', '', null),
                ('pause', 'h1.example', 'bulk', null, null, 'me', '', null),
                ('block', null, 'bulk', null, null, 'me', '', null)
            """)
        let read = try fixture.answer { fixture.store.loadControls(completion: $0) }
        #expect(
            read.map(\.subject) == [
                .host(nil), .host("h1.example"), .lane(.bulk), .sender("https://a.example/k"),
            ])
        #expect(read.map(\.kind) == ["pause", "limit", "pause", "pause"])
        #expect(read[1].perSecond == 0.5 && read[1].until != nil && read[0].until == nil)
        #expect(read[2].actor == "me" && read[2].reason == "full")
        #expect(abs((read[2].since - EventLoop.wallTime).wholeMilliseconds) < 60_000)
    }

    @Test func `an infinite end is none`() throws {
        try fixture.database.query(
            "insert into trunkline.control (kind, actor, until) values ('pause', 'me', 'infinity')")
        let read = try fixture.answer { fixture.store.loadControls(completion: $0) }
        #expect(read.map(\.until) == [nil])
    }

    @Test func `what is parked is ready when its sender is not paused, the oldest first`() throws {
        let inboxes = try fixture.inboxes(["h1.example"]).map(\.id)
        var ids: [ActivityID] = []
        for (number, key) in ["https://a.example/k", "https://b.example/k"].enumerated() {
            for part in 0..<2 {
                var activity = ExpandedActivity.sample("\(part)\(number)", to: inboxes, key: key)
                activity.parkedReason = "\(ParkedReason.pausedSender) by me"
                ids.append(try fixture.stored(activity))
            }
        }
        // The clock was put back meanwhile.
        try fixture.database.query(
            "update trunkline.parked set since = since - interval '1 hour' where activity = $1",
            ["\(ids[3].rawValue)"])
        func ready() throws -> [ActivityID] {
            var keys: [String] = []
            while keys.count < 9 {
                let page: [String] = try fixture.answer {
                    fixture.store.parkedKeys(after: keys.last, limit: 1, completion: $0)
                }
                if page.isEmpty { break }
                keys += page
            }
            return try fixture.answer {
                fixture.store.parkedReady(knownKeys: keys, limit: 9, completion: $0)
            }.map(\.id)
        }
        #expect(try ready() == ids)
        try fixture.database.query(
            """
            insert into trunkline.control (kind, key_id, actor, until) values
                ('pause', 'https://a.example/k', 'me', null),
                ('pause', 'https://b.example/k', 'me', now() - interval '1 hour')
            """)
        #expect(try ready() == Array(ids[2...]))
    }

    @Test func `while anything of a paused sender is parked, what comes after it goes behind it`()
        throws
    {
        let inboxes = try fixture.inboxes(["h1.example"]).map(\.id)
        var parked = ExpandedActivity.sample("1", to: inboxes)
        parked.parkedReason = "\(ParkedReason.pausedSender) by ann"
        let first = try fixture.stored(parked)
        let fresh = ExpandedActivity.sample("2", to: inboxes)
        var nobody = ExpandedActivity.sample("3", to: inboxes)
        nobody.unusable = [
            ExpandedActivity.Unusable(inbox: inboxes[0], reason: "inbox-gone", detail: "")
        ]
        let other = ExpandedActivity.sample("4", to: inboxes, key: "https://other.example/k")
        let answers = try fixture.expand(fresh, nobody, other)
        guard case .parkedBehind(let second) = answers[0], case .stored = answers[1],
            case .stored = answers[2]
        else {
            Issue.record("\(answers)")
            return
        }
        let reasons = try fixture.database.query("select distinct reason from trunkline.parked")
        #expect(reasons == [["its sender is paused by ann"]])
        let key = fresh.keyID
        let ready = try fixture.answer {
            fixture.store.parkedReady(knownKeys: [key], limit: 9, completion: $0)
        }
        #expect(ready.map(\.id) == [first, second])
        try fixture.answer { fixture.store.unparked([first, second], completion: $0) }
        guard case .stored = try fixture.expand(.sample("5", to: inboxes))[0] else {
            Issue.record("it is parked behind nobody")
            return
        }
    }

    @Test func `behind one that waits for its key nobody is parked`() throws {
        let inboxes = try fixture.inboxes(["h1.example"]).map(\.id)
        var parked = ExpandedActivity.sample("1", to: inboxes)
        parked.parkedReason = "no key"
        _ = try fixture.stored(parked)
        guard case .stored = try fixture.expand(.sample("2", to: inboxes))[0] else {
            Issue.record("it is parked")
            return
        }
    }

    @Test func `a hint brings the next probe of those that are failing forward`() throws {
        try fixture.database.query(
            """
            insert into trunkline.host (name, partition, state, probe_due) values
                ('h1.example', 0, 'open', now() + interval '1 hour'),
                ('h2.example', 0, 'dead', now() + interval '1 day'),
                ('h3.example', 0, 'open', now() + interval '1 hour'),
                ('h4.example', 0, 'closed', null)
            """)
        try fixture.answer {
            fixture.store.hostsSeenAlive(
                ["h1.example", "h2.example", "h4.example"], completion: $0)
        }
        let due = try fixture.database.query(
            "select name from trunkline.host where probe_due <= now() order by name")
        #expect(due == [["h1.example"], ["h2.example"]])
    }
}
