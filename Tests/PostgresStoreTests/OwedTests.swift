import DeliveryCore
import EventLoop
import PostgresStore
import Testing

struct OwedTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    private var everything: [PartitionNumber] { (0..<4).map(PartitionNumber.init) }

    /// All pages, one behind the other.
    private func owed(
        _ question: OwedQuestion = OwedQuestion(after: .zero),
        of partitions: [PartitionNumber]? = nil, isUrgent: Bool = true
    ) throws -> [OwedDeliveries] {
        var found: [OwedDeliveries] = []
        var question = question
        while let page = try fixture.answer({ done in
            fixture.store.owedPage(
                question, of: partitions ?? everything, isUrgent: isUrgent, completion: done)
        }) {
            #expect(page.through > question.after)
            question.after = page.through
            found += page.owed
        }
        return found
    }

    private func hosts(_ count: Int) throws -> [InboxRow] {
        try fixture.inboxes((0..<count).map { "h\($0).example" })
    }

    @Test func `owed is the audience without what has ended, by partition`() throws {
        let rows = try hosts(12)
        let id = try fixture.stored(.sample("a", to: rows.map(\.id)))
        var flush = StoreFlush.sample()
        flush.outcomes = [
            StoreFlush.Outcome(
                activity: id, state: .delivered, inboxes: [rows[0].id], epoch: Epoch(rawValue: 1))
        ]
        flush.failures = [
            StoreFlush.Failure(
                activity: id, inbox: rows[1].id, reason: "inbox-gone", status: 410, detail: "")
        ]
        _ = try fixture.flush(flush).get()
        let found = try owed()
        #expect(found.allSatisfy { $0.activity == id && $0.lane == .normal })
        #expect(found.allSatisfy { $0.keyID == "https://me.example/actor#main-key" })
        var expected: [PartitionNumber: Set<InboxID>] = [:]
        for row in rows.dropFirst(2) {
            expected[try #require(row.partition), default: []].insert(row.id)
        }
        let sets = Dictionary(
            uniqueKeysWithValues: found.map { ($0.partition, Set($0.inboxes)) })
        #expect(sets == expected)
        // One that is replayed is owed again.
        try fixture.database.query("update trunkline.failed set replayed_at = now()")
        #expect(try owed().flatMap(\.inboxes).contains(rows[1].id))
    }

    @Test func `only those partitions and activities that are asked for`() throws {
        let rows = try hosts(12)
        let ids = try (0..<5).map { try fixture.stored(.sample("a\($0)", to: rows.map(\.id))) }
        let some = try owed(OwedQuestion(after: ids[0], last: ids[2]))
        #expect(Set(some.map(\.activity)) == [ids[1], ids[2]])
        let partition = try #require(rows[0].partition)
        let mine = try owed(of: [partition])
        #expect(mine.map(\.activity) == ids)
        #expect(Set(mine.map(\.partition)) == [partition])
        #expect(try owed(of: []).isEmpty)
    }

    @Test func `what is parked owes nothing yet`() throws {
        let rows = try hosts(2)
        let id = try fixture.stored(.sample("a", to: rows.map(\.id)))
        try fixture.database.query(
            "insert into trunkline.parked (activity, reason, key_id) values ($1, 'missing', 'k')",
            ["\(id.rawValue)"])
        #expect(try owed().isEmpty)
    }

    @Test func `what was woken or replayed is newer than any mark before that`() throws {
        let rows = try hosts(1)
        let ids = try (0..<3).map { try fixture.stored(.sample("a\($0)", to: rows.map(\.id))) }
        func given(after mark: ActivityID) throws -> [ActivityID] {
            try owed(OwedQuestion(after: .zero, givenAfter: mark)).map(\.activity)
        }
        #expect(try given(after: ids[1]) == [ids[2]])
        try fixture.database.query(
            "insert into trunkline.parked (activity, reason, key_id) values ($1, 'missing', 'k')",
            ["\(ids[0].rawValue)"])
        #expect(try given(after: .zero) == [ids[1], ids[2]])
        try fixture.answer { fixture.store.unparked([ids[0]], completion: $0) }
        #expect(try given(after: ids[1]) == [ids[0], ids[2]])
        #expect(try given(after: ids[2]) == [ids[0]])

        try fixture.database.query(
            "insert into trunkline.failed (activity, inbox, reason) values ($1, $2, 'x')",
            ["\(ids[1].rawValue)", "\(rows[0].id.rawValue)"])
        #expect(try sweep(after: .zero) == ids[2])
        #expect(try owing() == [ids[0], ids[2]])
        try fixture.database.query("update trunkline.failed set replayed_at = now()")
        #expect(try owing() == ids)
        #expect(try given(after: ids[2]) == [ids[0], ids[1]])
    }

    private func owing() throws -> [ActivityID] {
        try fixture.database.query("select activity from trunkline.owing order by 1").compactMap {
            $0[0].flatMap { Int64($0) }.map(ActivityID.init(rawValue:))
        }
    }

    private func sweep(
        after: ActivityID, leastAge: Duration = .milliseconds(-1)
    ) throws -> ActivityID? {
        try fixture.answer {
            fixture.store.sweepOwing(after: after, leastAge: leastAge, completion: $0)
        }
    }

    @Test func `what owes nothing is forgotten, a page at a time, once it is old enough`() throws {
        let rows = try hosts(2)
        let ids = try (0..<3).map { try fixture.stored(.sample("a\($0)", to: rows.map(\.id))) }
        #expect(try owing() == ids)
        var flush = StoreFlush.sample()
        flush.outcomes = [
            StoreFlush.Outcome(
                activity: ids[0], state: .delivered, inboxes: rows.map(\.id),
                epoch: Epoch(rawValue: 1)),
            StoreFlush.Outcome(
                activity: ids[1], state: .delivered, inboxes: [rows[0].id],
                epoch: Epoch(rawValue: 1)),
        ]
        _ = try fixture.flush(flush).get()
        #expect(try sweep(after: .zero, leastAge: .seconds(60)) == nil)
        #expect(try owing() == ids)
        #expect(try sweep(after: .zero) == ids[2])
        #expect(try owing() == [ids[1], ids[2]])
        #expect(try sweep(after: ids[2]) == nil)
        let left = try owed(isUrgent: false)
        #expect(left.filter { $0.activity == ids[1] }.map(\.inboxes) == [[rows[1].id]])
        #expect(Set(left.filter { $0.activity == ids[2] }.flatMap(\.hosts)).count == 2)
        let young = OwedQuestion(after: .zero, leastAge: .seconds(60))
        #expect(try owed(young).isEmpty)
    }

    @Test func `pages end by activities and by inboxes, and lose none between them`() throws {
        let rows = try hosts(3)
        // More than a page of activities; audiences of which two fill a page, though most of their
        // members do not exist.
        try fixture.database.query(
            """
            insert into trunkline.activity (id, activity_id, type, body, digest, key_id, lane,
                ordering_key, audience)
            select trunkline.next_activity_id(), 'x' || n, 'Like', '', repeat('0', 32)::bytea, 'k',
                0, 'o', case when n % 100 = 0
                    then array[\(rows[0].id.rawValue)] || array(select -g from generate_series(1, 60000) g)
                    else array[\(rows[0].id.rawValue)] end
            from generate_series(1, 600) n
            """)
        let found = try owed()
        #expect(found.count == 600)
        #expect(found.allSatisfy { $0.inboxes == [rows[0].id] })
        #expect(Set(found.map(\.activity)).count == 600)
        #expect(found.map(\.activity) == found.map(\.activity).sorted())
    }

    @Test func `the newest activity is none that is still to come`() throws {
        let rows = try hosts(1)
        let first = try fixture.stored(.sample("a", to: rows.map(\.id)))
        let newest: ActivityID = try fixture.answer {
            fixture.store.newestActivity(completion: $0)
        }
        #expect(newest == first)
        #expect(try fixture.stored(.sample("b", to: rows.map(\.id))) > newest)
    }

    @Test func `the process of a partition is noted by its owner alone`() throws {
        let partition = PartitionNumber(rawValue: 2)
        func takeEpoch() throws -> OwnedLease {
            let epoch: Epoch = try fixture.answer {
                fixture.store.takeEpoch(partition, completion: $0)
            }
            return OwnedLease(partition: partition, epoch: epoch)
        }
        func note(_ lease: OwnedLease, _ process: String) throws {
            try fixture.answer { (done: @escaping (Result<Void, StoreFailure>) -> Void) in
                fixture.store.noteWhole([(lease, process)], completion: done)
            }
        }
        func process() throws -> String? {
            let rows: [PartitionRow] = try fixture.answer {
                fixture.store.loadPartitions([partition], completion: $0)
            }
            return try #require(rows.first).record.process
        }
        let former = try takeEpoch()
        #expect(try process() == nil)
        try note(former, "r1")
        #expect(try process() == "r1")
        let owner = try takeEpoch()
        try note(former, "r2")
        #expect(try process() == "r1")
        try note(owner, "r3")
        #expect(try process() == "r3")
    }
}
