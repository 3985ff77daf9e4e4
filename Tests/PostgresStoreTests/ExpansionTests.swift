import DeliveryCore
import PostgresStore
import Testing

struct ExpansionTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    @Test func `inboxes come in the order asked for, made once, with host and partition`() throws {
        let first = try fixture.inboxes(["b.example", "a.example", "b.example"])
        #expect(first.map(\.hostName) == ["b.example", "a.example", "b.example"])
        #expect(first[0] == first[2])
        let second = try fixture.inboxes(["a.example", "c.example", "b.example"])
        #expect(second[0] == first[1])
        #expect(second[2] == first[0])
        let partition = try fixture.number("select trunkline.partition_of('a.example')")
        #expect(first[1].partition == PartitionNumber(rawValue: partition))
        #expect(try fixture.number("select count(*) from trunkline.inbox") == 3)
        // Nothing was burnt: the ids have no gaps.
        #expect(try fixture.number("select max(id) from trunkline.host") == 3)
        let loaded: [InboxRow] = try fixture.answer {
            fixture.store.loadInboxes([first[1].id, InboxID(rawValue: 999)], completion: $0)
        }
        #expect(loaded == [first[1]])
    }

    @Test func `an address without a host is kept without one until it is given one`() throws {
        func resolve(_ host: String?, shared: Bool) throws -> InboxRow {
            try fixture.answer { done in
                fixture.store.resolveInboxes(
                    [InboxAddress(url: "http://a.example/inbox", host: host, isShared: shared)],
                    completion: done)
            }[0]
        }
        let unusable = try resolve(nil, shared: false)
        #expect(unusable.host == nil && unusable.partition == nil && !unusable.isShared)
        let usable = try resolve("a.example", shared: true)
        #expect(usable.id == unusable.id && usable.hostName == "a.example" && usable.isShared)
        #expect(try resolve(nil, shared: false) == usable)
    }

    @Test func `addresses that no index could hold spoil no others and get no host`() throws {
        let long = "https://long.example/" + noise(9_000)
        let addresses = [
            InboxAddress(url: "https://a.example/in\u{0}box", host: "a.example", isShared: false),
            InboxAddress(url: long, host: "long.example", isShared: false),
            InboxAddress(url: "https://b.example/inbox", host: "b.example", isShared: false),
            InboxAddress(
                url: "https://c.example/inbox", host: noise(9_000), isShared: false),
            // One text to Swift, two to PostgreSQL.
            InboxAddress(url: "https://d.example/\u{E9}", host: "d.example", isShared: false),
            InboxAddress(url: "https://d.example/e\u{301}", host: "d.example", isShared: false),
        ]
        let rows: [InboxRow] = try fixture.answer {
            fixture.store.resolveInboxes(addresses, completion: $0)
        }
        #expect(rows.map { $0.host == nil } == [true, true, false, true, false, false])
        #expect(rows[0].url == "https://a.example/in\u{FFFD}box")
        #expect(long.hasPrefix(rows[1].url))
        #expect(rows[1].url.utf8.count == InboxAddress.urlLimit)
        #expect(rows[4].id != rows[5].id)
    }

    @Test func `an audience of 30,000 inboxes is resolved, stored and read back`() throws {
        let names = (1...30_000).map { "h\($0).example" }
        let inboxes = try fixture.inboxes(names)
        #expect(inboxes.map(\.hostName) == names)
        #expect(Set(inboxes.compactMap(\.partition)).count == 4)
        let id = try fixture.stored(.sample("wide", to: inboxes.map(\.id).reversed()))
        #expect(
            try fixture.expand(.sample("wide", to: []))
                == [.known(id, .normal, audience: inboxes.map(\.id).sorted(), parked: false)])
    }

    @Test func `ids have the order of the batch, whatever the keys are`() throws {
        let names = ["9", "10", "b", "2", "a", "11", "1"]
        let stored: [StoredActivity] = try fixture.answer {
            fixture.store.expand(names.map { .sample($0, to: []) }, completion: $0)
        }
        let ids = stored.map { if case .stored(let row) = $0 { row.id.rawValue } else { Int64(0) } }
        #expect(ids == ids.sorted() && Set(ids).count == names.count)
    }

    @Test func `an activity is stored byte for byte`() throws {
        let inbox = try fixture.inboxes(["a.example"])[0].id
        var activity = ExpandedActivity.sample("note", to: [inbox])
        activity.body = (0...255).map { UInt8($0) } + [0, 0]
        activity.digest = (0..<32).map { UInt8($0 * 8) }
        activity.contentType = "application/ld+json"
        activity.synchronization = "https://me.example/followers"
        activity.expires = WallTime(milliseconds: 1_900_000_000_123)
        activity.lane = .bulk
        let id = try fixture.stored(activity)
        let rows: [ActivityRow] = try fixture.answer {
            fixture.store.loadActivities([id, ActivityID(rawValue: 5)], completion: $0)
        }
        let row = try #require(rows.first)
        #expect(rows.count == 1)
        #expect(row.id == id && row.activityID == activity.activityID)
        #expect(row.body == activity.body && row.digest == activity.digest)
        #expect(row.keyID == activity.keyID && row.contentType == activity.contentType)
        #expect(row.lane == .bulk && row.orderingKey == activity.orderingKey)
        #expect(row.expires == activity.expires)
        #expect(row.synchronization == activity.synchronization)
        #expect(row.createdAt.milliseconds / 86_400_000 == Int64(id.day))
    }

    @Test func `what was stored is told as it is read back`() throws {
        let inbox = try fixture.inboxes(["a.example"])[0].id
        var deletion = ExpandedActivity.sample("deletion", to: [inbox])
        deletion.type = "Delete"
        var odd = ExpandedActivity.sample("o\u{0}dd", to: [inbox])
        odd.type = "Cre\u{0}ate"
        odd.contentType = "a\u{0}/b"
        odd.synchronization = "https://me.example/followers"
        odd.expires = WallTime(milliseconds: 1_900_000_000_123)
        odd.lane = .urgent
        var late = ExpandedActivity.sample("late", to: [inbox])
        (late.type, late.orderingKey, late.keyID) = ("Update", deletion.orderingKey, deletion.keyID)
        var told: [ActivityRow] = []
        for batch in [[deletion], [odd, late]] {
            let answers: [StoredActivity] = try fixture.answer {
                fixture.store.expand(batch, completion: $0)
            }
            told += answers.compactMap { if case .stored(let row) = $0 { row } else { nil } }
        }
        let read: [ActivityRow] = try fixture.answer {
            fixture.store.loadActivities(told.map(\.id), completion: $0)
        }
        #expect(told.map(\.isSuperseded) == [false, false, true])
        #expect(read.sorted { $0.id < $1.id } == told)
    }

    @Test func `a known idempotency key answers with the first activity`() throws {
        let inboxes = try fixture.inboxes(["a.example", "b.example"]).map(\.id)
        let activity = ExpandedActivity.sample("note", to: inboxes)
        var again = activity
        again.audience = []
        again.lane = .bulk
        let answers = try fixture.expand(activity, again, .sample("other", to: inboxes))
        guard case .stored(let first) = answers[0], case .stored(let other) = answers[2] else {
            Issue.record("\(answers)")
            return
        }
        let id = first.id
        #expect(answers[1] == .known(id, .normal, audience: inboxes, parked: false))
        #expect(id != other.id)
        #expect(
            try fixture.expand(again) == [
                .known(id, .normal, audience: inboxes, parked: false)
            ])
        #expect(try fixture.number("select count(*) from trunkline.activity") == 2)
    }

    @Test func `no activities have no answers`() throws {
        #expect(try fixture.expand() == [])
    }

    @Test(arguments: [0, 3, 6])
    func `one bad activity is refused alone`(position: Int) throws {
        let inbox = try fixture.inboxes(["a.example"])[0].id
        var batch = (0..<7).map { ExpandedActivity.sample("note\($0)", to: [inbox]) }
        // Longer than an index entry may be, and not compressible.
        batch[position].activityID = noise(9_000)
        let answers: [StoredActivity] = try fixture.answer {
            fixture.store.expand(batch, completion: $0)
        }
        for (index, answer) in answers.enumerated() {
            switch answer {
            case .stored: #expect(index != position)
            case .refused(let sqlState, _):
                #expect(index == position)
                #expect(sqlState == "54000")
            case .known, .parkedBehind: Issue.record("\(answer): \(index)")
            }
        }
        #expect(try fixture.number("select count(*) from trunkline.activity") == 6)
        // Its key is not burnt: mended, it is taken.
        #expect(
            try fixture.number("select count(*) from trunkline.intake") == 6)
    }

    @Test func `NUL in texts is replaced, not refused`() throws {
        let inbox = try fixture.inboxes(["a.example"])[0].id
        var activity = ExpandedActivity.sample("note", to: [inbox])
        activity.idempotencyKey = "a\u{0}b"
        activity.orderingKey = "\u{0}"
        let id = try fixture.stored(activity)
        #expect(
            try fixture.expand(activity) == [
                .known(id, .normal, audience: [inbox], parked: false)
            ])
    }

    @Test func `today's missing partition is made, and nobody is refused for it`() throws {
        let inbox = try fixture.inboxes(["a.example"])[0].id
        // Yesterday, then today.
        try fixture.database.query(
            "select trunkline.drop_partitions(-1) from generate_series(1, 2)")
        _ = try fixture.stored(.sample("note", to: [inbox]))
    }

    @Test func `a server that knows less than the one before gives no id out again`() throws {
        let inbox = try fixture.inboxes(["a.example"])[0].id
        let ids = try (1...3).map { try fixture.stored(.sample("\($0)", to: [inbox])) }
        let start = try fixture.database.query("select pg_postmaster_start_time()")
        // A standby that took over before it had heard of the last two.
        try fixture.database.query(
            "select setval('trunkline.activity_sequence', $1)",
            [String(ids[0].rawValue & ((1 << 40) - 1))])
        try fixture.database.query(
            "update trunkline.server_life set began = began - interval '1 minute'")
        let next = try (4...5).map { try fixture.stored(.sample("\($0)", to: [inbox])) }
        #expect(next[0].rawValue == ids[0].rawValue + 1 << 28 + 2)
        #expect(next[1].rawValue == next[0].rawValue + 1, "once for each server")
        #expect(try fixture.database.query("select began from trunkline.server_life") == start)
        // The last numbers of all.
        try fixture.database.query(
            """
            select setval('trunkline.activity_sequence', (1::bigint << 40) - 1)
            from trunkline.server_life
            """)
        try fixture.database.query(
            "update trunkline.server_life set began = began - interval '1 minute'")
        let anew = try fixture.stored(.sample("6", to: [inbox])).rawValue & ((1 << 40) - 1)
        #expect(anew == 1 << 28 + 2)
    }

    @Test func `unusable recipients are dead letters from the start`() throws {
        let inboxes = try fixture.inboxes(["a.example", "b.example"]).map(\.id)
        var activity = ExpandedActivity.sample("note", to: [inboxes[0]])
        activity.unusable = [
            .init(inbox: inboxes[1], reason: "unsupported-scheme", detail: "gopher\u{0}"),
            .init(inbox: inboxes[1], reason: "unsupported-scheme", detail: "twice"),
        ]
        let id = try fixture.stored(activity)
        let settled = try fixture.answer { done in
            fixture.store.settledInboxes([(id, inboxes)], completion: done)
        }
        #expect(settled.map(\.1) == [[inboxes[1]]])
        #expect(
            try fixture.expand(activity) == [
                .known(id, .normal, audience: inboxes.sorted(), parked: false)
            ])
    }

    @Test func `an audience is read in pages`() throws {
        try fixture.database.query(
            """
            insert into trunkline.follower (audience, inbox, shared_inbox)
            select 'me', 'https://h' || n || '.example/inbox', case when n % 2 = 0 then 's' || n end
            from generate_series(1, 25) n
            """)
        try fixture.database.query("insert into trunkline.follower values ('you', 'x', null)")
        try fixture.database.query(
            """
            create view trunkline.fans as
            select * from trunkline.follower union all select 'me', null, 'https://h/inbox'
            """)
        var members: [AudienceMember] = []
        var pages = 0
        while true {
            let page: [AudienceMember] = try fixture.answer { done in
                fixture.store.audiencePage(
                    relation: "trunkline.fans", name: "me", after: members.last?.inbox, limit: 10,
                    completion: done)
            }
            if page.isEmpty { break }
            pages += 1
            members += page
        }
        #expect(pages == 3)
        #expect(members.count == 25)
        #expect(Set(members.map(\.inbox)).count == 25)
        #expect(members.count { $0.sharedInbox != nil } == 12)
    }

    @Test func `an audience that takes its time keeps nobody waiting, and is read in the end`()
        throws
    {
        let fixture = try StoreFixture(settings: "statement_timeout=200ms")
        let inbox = try fixture.inboxes(["a.example"])[0]
        try fixture.database.query(
            "insert into trunkline.follower values ('me', 'https://a.example/inbox', null)")
        try fixture.database.query("begin")
        try fixture.database.query("lock table trunkline.follower in access exclusive mode")
        var page: Result<[AudienceMember], StoreFailure>?
        fixture.store.audiencePage(name: "me", after: nil, limit: 10) { page = $0 }
        func load() throws -> [InboxRow] {
            try fixture.answer { fixture.store.loadInboxes([inbox.id], completion: $0) }
        }
        #expect(try load() == [inbox])
        // One that came later has waited too long for its server.
        let hurried = try Database(connectionString: fixture.connectionString)
        #expect(throws: (any Error).self) { try hurried.query("table trunkline.follower") }
        #expect(try load() == [inbox])
        #expect(page == nil)
        try fixture.database.query("commit")
        fixture.turn(until: "the page") { page != nil }
        #expect(try page?.get().count == 1)
    }

    @Test func `a damaged server is waited for, a view that raises is a person's business`() throws
    {
        for (state, isWaitedFor) in [("XX001", true), ("58030", true), ("P0001", false)] {
            try fixture.database.query(
                """
                create or replace function trunkline.fails() returns text language plpgsql as
                $$ begin raise exception 'no' using errcode = '\(state)'; end $$
                """)
            try fixture.database.query(
                """
                create or replace view trunkline.broken as
                select 'me' as audience, trunkline.fails() as inbox, null::text as shared_inbox
                """)
            let result: Result<[AudienceMember], StoreFailure> = try fixture.result { done in
                fixture.store.audiencePage(
                    relation: "trunkline.broken", name: "me", after: nil, limit: 1,
                    completion: done)
            }
            let expected: StoreFailure =
                isWaitedFor ? .away("no") : .refused(sqlState: state, message: "no")
            #expect(result == .failure(expected))
        }
    }

    @Test(arguments: [
        "follower", "trunkline.follower; drop table x", "trunkline.\"follower\"", "a.b.c", ".x",
        "1a.b", "",
    ])
    func `only a plain qualified name is taken for an audience's relation`(name: String) throws {
        let result: Result<[AudienceMember], StoreFailure> = try fixture.result { done in
            fixture.store.audiencePage(
                relation: name, name: "me", after: nil, limit: 1, completion: done)
        }
        guard case .failure(.refused(sqlState: "42602", _)) = result else {
            Issue.record("\(result)")
            return
        }
    }
}

/// Text that no compression shortens below an index entry's limit.
func noise(_ count: Int) -> String {
    var random = SeededGenerator(seed: 1)
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    return String((0..<count).map { _ in letters[Int.random(in: 0..<64, using: &random)] })
}
