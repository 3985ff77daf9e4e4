/// PostgreSQL goes away under the store: each test has a server of its own to stop.

import DeliveryCore
import EventLoop
import Glibc
import PostgresStore
import Testing

@Suite(.serialized)
struct FailureTests {
    @Test func `facts are told, of a database without a schema too`() throws {
        let fixture = try StoreFixture(partitions: 5)
        let facts: StoreFacts = try fixture.answer { fixture.store.prepare(completion: $0) }
        #expect(facts.serverVersion / 10_000 == 15)
        #expect(facts.schemaVersion == Migration.newest && facts.partitionCount == 5)
        #expect(facts.synchronousCommit == "on" && !facts.inRecovery)
        try fixture.database.query("drop schema trunkline cascade")
        let bare: StoreFacts = try fixture.answer { fixture.store.prepare(completion: $0) }
        #expect(bare.schemaVersion == 0 && bare.partitionCount == 0)
    }

    @Test func `preparing makes the partitions that are missing`() throws {
        let fixture = try StoreFixture()
        // Yesterday, then today.
        try fixture.database.query(
            "select trunkline.drop_partitions(-1) from generate_series(1, 2)")
        let _: StoreFacts = try fixture.answer { fixture.store.prepare(completion: $0) }
        #expect(try fixture.database.query("select trunkline.ensure_partitions()") == [["0"]])
    }

    @Test func `a server that is stopped and started again is away, then works`() throws {
        let server = PostgresServer()
        let fixture = try StoreFixture(server: server)
        let inbox = try fixture.inboxes(["a.example"])[0].id
        server.stop()
        fixture.turn(until: "the loss is noticed") { fixture.changes.last?.isReady == false }
        let away: Result<[StoredActivity], StoreFailure> = try fixture.result {
            fixture.store.expand([.sample("note", to: [inbox])], completion: $0)
        }
        guard case .failure(.away) = away else {
            Issue.record("\(away)")
            return
        }
        server.start()
        fixture.turn(until: "connected again") { fixture.changes.last?.isReady == true }
        _ = try fixture.stored(.sample("note", to: [inbox]))
    }

    @Test func `a loss that a write meets first is told at once`() throws {
        let server = PostgresServer()
        let fixture = try StoreFixture(server: server)
        server.stop()
        // The first write lets libpq read the server's last words, the next one the end of file.
        var answers: [Result<[PartitionRow], StoreFailure>] = []
        for _ in 0..<3 { fixture.store.loadPartitions { answers.append($0) } }
        #expect(answers.isEmpty)
        fixture.turn(until: "answered") { answers.count == 3 }
        for case .success(let rows) in answers { Issue.record("\(rows)") }
        server.start()
        fixture.turn(until: "connected again") { fixture.changes.last?.isReady == true }
        let rows: [PartitionRow] = try fixture.answer {
            fixture.store.loadPartitions(completion: $0)
        }
        #expect(rows.count == 4)
    }

    @Test func `a flush whose backend is killed in the middle is away, and written once later`()
        throws
    {
        let server = PostgresServer()
        let fixture = try StoreFixture(server: server)
        let inbox = try fixture.inboxes(["a.example"])[0].id
        let activity = try fixture.stored(.sample("note", to: [inbox]))
        var flush = StoreFlush.sample(
            fences: [
                OwnedLease(partition: PartitionNumber(rawValue: 0), epoch: Epoch(rawValue: 0))
            ])
        flush.outcomes = [
            .init(
                activity: activity, state: .delivered, inboxes: [inbox], epoch: Epoch(rawValue: 0))
        ]
        flush.hosts = [.init(host: HostID(rawValue: 1), state: "open")]
        // The flush has written its outcome when it comes to the host's row, and waits there.
        try fixture.database.query("begin")
        try fixture.database.query("select from trunkline.host for update")
        var answers: [Result<FlushResult, StoreFailure>] = []
        fixture.store.flush(flush) { answers.append($0) }
        let watcher = try Database(connectionString: fixture.connectionString)
        var backend: pid_t?
        fixture.turn(until: "the flush waits") {
            let rows = try? watcher.query(
                """
                select pid from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'
                """)
            backend = rows?.first?[0].flatMap { pid_t($0) }
            return backend != nil
        }
        kill(try #require(backend), SIGKILL)
        fixture.turn(until: "answered") { !answers.isEmpty }
        guard case .failure(.away) = answers[0] else {
            Issue.record("\(answers)")
            return
        }
        // PostgreSQL ends all connections and recovers when a backend dies so.
        fixture.turn(until: "connected again") { fixture.changes.last?.isReady == true }
        func outcomes() throws -> Int {
            let database = try Database(connectionString: fixture.connectionString)
            return try Int(database.query("select count(*) from trunkline.outcome")[0][0] ?? "")
                ?? -1
        }
        #expect(try outcomes() == 0)
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        #expect(try outcomes() == 1)
        #expect(answers.count == 1)
    }

    @Test func `a server that falls silent is away when the answer is overdue`() throws {
        var limits = PostgresStore.Limits()
        limits.answerTime = .milliseconds(300)
        let fixture = try StoreFixture(limits: limits)
        let backends = try fixture.database.query(
            """
            select pid from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        ).compactMap { $0[0].flatMap { pid_t($0) } }
        // The fifth, which keeps the daily partitions, may be on its way.
        #expect((4...5).contains(backends.count))
        for backend in backends { kill(backend, SIGSTOP) }
        defer { for backend in backends { kill(backend, SIGCONT) } }
        let result: Result<[PartitionRow], StoreFailure> = try fixture.result {
            fixture.store.loadPartitions(completion: $0)
        }
        #expect(result == .failure(.away("no answer within 0.3 seconds")))
        fixture.turn(until: "connected anew") { fixture.changes.last?.isReady == true }
        let rows: [PartitionRow] = try fixture.answer {
            fixture.store.loadPartitions(completion: $0)
        }
        #expect(rows.count == 4)
    }

    @Test func `many transactions at once are each answered once, in order`() throws {
        let fixture = try StoreFixture()
        var answers: [Int] = []
        // Twice what may be in flight.
        for number in 0..<130 {
            fixture.store.loadPartitions { _ in answers.append(number) }
        }
        #expect(answers.isEmpty)
        fixture.turn(until: "all answered") { answers.count == 130 }
        #expect(answers == Array(0..<130))
    }

    @Test func `closing answers what is under way`() throws {
        let fixture = try StoreFixture()
        var answers: [Result<[PartitionRow], StoreFailure>] = []
        fixture.store.loadPartitions { answers.append($0) }
        fixture.store.close()
        #expect(answers == [.failure(.away("closed"))])
        fixture.store.loadPartitions { answers.append($0) }
        #expect(answers.last == .failure(.away("not connected")))
    }

    @Test func `an unreachable server is told with its reason`() throws {
        let loop = EventLoop()
        var changes: [(Bool, String)] = []
        let store = PostgresStore(
            loop: loop, connectionString: "host=/nonexistent", random: SeededGenerator(seed: 1)
        ) { changes.append(($0, $1)) }
        store.open()
        while changes.isEmpty { loop.turn(waitingAtMost: .milliseconds(20)) }
        #expect(changes[0].0 == false)
        #expect(changes[0].1.contains("/nonexistent"))
        store.close()
    }
}
