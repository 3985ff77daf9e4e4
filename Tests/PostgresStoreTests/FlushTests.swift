import DeliveryCore
import PostgresStore
import Testing

struct FlushTests {
    let fixture: StoreFixture
    let inboxes: [InboxID]
    let hosts: [HostID]
    let activity: ActivityID

    init() throws {
        fixture = try StoreFixture()
        let rows = try fixture.inboxes((1...8).map { "h\($0).example" })
        inboxes = rows.map(\.id)
        hosts = rows.compactMap(\.host)
        activity = try fixture.stored(.sample("note", to: rows.map(\.id)))
    }

    private func takeEpoch(_ number: Int) throws -> OwnedLease {
        let partition = PartitionNumber(rawValue: number)
        let epoch: Epoch = try fixture.answer { fixture.store.takeEpoch(partition, completion: $0) }
        return OwnedLease(partition: partition, epoch: epoch)
    }

    private func delivered(_ inboxes: some Sequence<InboxID>) -> StoreFlush.Outcome {
        .init(
            activity: activity, state: .delivered, inboxes: Array(inboxes),
            epoch: Epoch(rawValue: 1))
    }

    private func settled() throws -> Set<InboxID> {
        try fixture.answer { done in
            fixture.store.settledInboxes([(activity, inboxes)], completion: done)
        }[0].1
    }

    @Test func `an epoch counts up with every owner`() throws {
        let first = try takeEpoch(2)
        let second = try takeEpoch(2)
        #expect(first.epoch < second.epoch)
        let rows: [PartitionRow] = try fixture.answer {
            fixture.store.loadPartitions(completion: $0)
        }
        #expect(rows.map(\.number.rawValue) == [0, 1, 2, 3])
        #expect(rows[2].epoch == second.epoch)
        #expect(Set(rows.map(\.record.generation)).count == 4)
    }

    @Test func `a partition that does not exist has no epoch`() throws {
        let result: Result<Epoch, StoreFailure> = try fixture.result {
            fixture.store.takeEpoch(PartitionNumber(rawValue: 9), completion: $0)
        }
        #expect(
            result
                == .failure(.refused(sqlState: "02000", message: "partition 9 does not exist")))
    }

    @Test func `a flush writes every kind of row`() throws {
        var flush = StoreFlush.sample(fences: [try takeEpoch(3), try takeEpoch(0)])
        flush.outcomes = [
            // Two partitions of one activity: one row.
            delivered(inboxes[0...1]), delivered(inboxes[2...2]),
            .init(
                activity: activity, state: .expired, inboxes: [inboxes[3]],
                epoch: Epoch(rawValue: 1)),
        ]
        flush.failures = [
            .init(
                activity: activity, inbox: inboxes[4], reason: "gone", status: 410,
                detail: "no\u{0}body")
        ]
        flush.attempts = [
            .sample(activity, inboxes[5], excerpt: [0xFF, 0x00, 0xFE]),
            .sample(activity, inboxes[5], number: 2, status: 99_999_999, detail: "\u{0}"),
        ]
        flush.hosts = [
            .init(host: hosts[0], state: "open"),
            .init(
                host: hosts[0], state: "open", concurrencyWindow: 2.5,
                condition: HostCondition(
                    failingSince: WallTime(milliseconds: 1_700_000_000_000),
                    cause: "connect-failed")),
        ]
        #expect(try fixture.flush(flush) == .success(FlushResult()))

        #expect(try settled() == Set(inboxes[0...4]))
        let database = fixture.database
        #expect(try fixture.number("select count(*) from trunkline.outcome") == 2)
        #expect(
            try database.query("select encode(excerpt, 'hex') from trunkline.attempt order by at")
                == [["ff00fe"], [nil]])
        #expect(
            try database.query(
                """
                select state, concurrency_window, last_error from trunkline.host
                where id = $1::int
                """, [String(hosts[0].rawValue)]) == [["open", "2.5", "connect-failed"]])
    }

    @Test func `a flush of a worker that has lost a partition writes nothing`() throws {
        let kept = try takeEpoch(0)
        let lost = try takeEpoch(1)
        _ = try takeEpoch(1)
        let alsoLost = try takeEpoch(2)
        _ = try takeEpoch(2)
        var flush = StoreFlush.sample(fences: [alsoLost, kept, lost])
        flush.outcomes = [delivered(inboxes)]
        flush.attempts = [.sample(activity, inboxes[0])]
        #expect(
            try fixture.flush(flush)
                == .failure(.fenced([lost.partition, alsoLost.partition])))
        #expect(try settled() == [])
        #expect(try fixture.number("select count(*) from trunkline.attempt") == 0)
        flush.fences = [kept]
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        #expect(try settled() == Set(inboxes))
    }

    @Test func `a flush that waits for a takeover is fenced by it`() throws {
        let lease = try takeEpoch(1)
        var flush = StoreFlush.sample(fences: [lease])
        flush.outcomes = [delivered(inboxes)]
        let database = fixture.database
        try database.query("begin")
        try database.query("update trunkline.partition set epoch = epoch + 1 where number = 1")
        var answers: [Result<FlushResult, StoreFailure>] = []
        fixture.store.flush(flush) { answers.append($0) }
        let watcher = try Database(connectionString: fixture.connectionString)
        fixture.turn(until: "the flush waits") {
            (try? watcher.query(
                """
                select from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'
                """
            ).isEmpty) == false
        }
        #expect(answers.isEmpty)
        try database.query("commit")
        fixture.turn(until: "answered") { !answers.isEmpty }
        #expect(answers == [.failure(.fenced([lease.partition]))])
        #expect(try settled() == [])
    }

    @Test func `the same flush twice changes nothing`() throws {
        var flush = StoreFlush.sample(fences: [try takeEpoch(0)])
        flush.outcomes = [delivered(inboxes[0...2])]
        flush.failures = [
            .init(activity: activity, inbox: inboxes[3], reason: "gone", status: 410, detail: "")
        ]
        flush.attempts = [
            .sample(activity, inboxes[4]), .sample(activity, inboxes[4], number: 2),
        ]
        let rows = """
            select 'o', count(*), max(at)::text from trunkline.outcome union all
            select 'a', count(*), max(at)::text from trunkline.attempt union all
            select 'f', count(*), max(at)::text from trunkline.failed
            """
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        let first = try fixture.database.query(rows)
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        #expect(try fixture.database.query(rows) == first)
        #expect(first.map { $0[1] } == ["1", "2", "1"])
    }

    @Test func `one bad row is quarantined, and everything else is settled`() throws {
        var flush = StoreFlush.sample(fences: [try takeEpoch(0)])
        // No partition will ever take this one.
        let stray = ActivityID(day: 3, sequence: 1)
        flush.outcomes = [
            delivered(inboxes[0...3]),
            .init(
                activity: stray, state: .delivered, inboxes: [inboxes[0]], epoch: Epoch(rawValue: 1)
            ),
            .init(
                activity: activity, state: .dropped, inboxes: [inboxes[4]],
                epoch: Epoch(rawValue: 1)),
        ]
        flush.attempts = [
            .sample(activity, inboxes[5]), .sample(stray, inboxes[5]),
            .sample(activity, inboxes[6]),
        ]
        flush.hosts = [.init(host: hosts[0], state: "dead")]
        let result = try fixture.flush(flush).get()
        #expect(result.quarantined.count == 2)
        #expect(
            result.quarantined.allSatisfy {
                $0.contains("\(stray.rawValue)") && $0.contains("23514")
            })
        #expect(try settled() == Set(inboxes[0...4]))
        #expect(try fixture.number("select count(*) from trunkline.attempt") == 2)
        #expect(
            try fixture.number("select count(*) from trunkline.host where state = 'dead'") == 1)
    }

    @Test func `a halved flush is fenced in every part`() throws {
        let lease = try takeEpoch(0)
        _ = try takeEpoch(0)
        var flush = StoreFlush.sample(fences: [lease])
        flush.outcomes = [
            delivered(inboxes),
            .init(
                activity: ActivityID(day: 3, sequence: 1), state: .delivered, inboxes: inboxes,
                epoch: Epoch(rawValue: 1)),
        ]
        #expect(try fixture.flush(flush) == .failure(.fenced([lease.partition])))
        #expect(try settled() == [])
    }

    @Test func `a flush without rows still asks for its fences`() throws {
        let lease = try takeEpoch(0)
        #expect(try fixture.flush(.sample(fences: [lease])) == .success(FlushResult()))
        _ = try takeEpoch(0)
        #expect(
            try fixture.flush(.sample(fences: [lease])) == .failure(.fenced([lease.partition])))
    }

    @Test func `a replayed dead letter is owed again and can fail again`() throws {
        var flush = StoreFlush.sample()
        flush.failures = [
            .init(activity: activity, inbox: inboxes[0], reason: "gone", status: 410, detail: "")
        ]
        _ = try fixture.flush(flush).get()
        #expect(try settled() == [inboxes[0]])
        try fixture.database.query("update trunkline.failed set replayed_at = now()")
        #expect(try settled() == [])
        flush.sequence = 2
        flush.failures[0].reason = "refused"
        _ = try fixture.flush(flush).get()
        #expect(try settled() == [inboxes[0]])
        #expect(
            try fixture.database.query("select reason, replayed_at from trunkline.failed")
                == [["refused", nil]])
    }

    @Test func `settled inboxes are told per activity, in the order asked for`() throws {
        let other = try fixture.stored(.sample("other", to: inboxes))
        var flush = StoreFlush.sample()
        flush.outcomes = [delivered(inboxes[0...5])]
        _ = try fixture.flush(flush).get()
        let settled = try fixture.answer { done in
            fixture.store.settledInboxes(
                [(other, inboxes), (activity, [inboxes[5], inboxes[7]])], completion: done)
        }
        #expect(settled.map(\.0) == [other, activity])
        #expect(settled.map(\.1) == [[], [inboxes[5]]])
    }
}
