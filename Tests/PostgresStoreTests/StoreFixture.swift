/// A migrated database of its own, a store on a loop, and a second connection that looks at it.

import DeliveryCore
import EventLoop
import PostgresStore
import TestSupport
import Testing

final class StoreFixture {
    let loop = EventLoop()
    let connectionString: String
    let database: Database
    let store: PostgresStore
    private let log: Log
    var changes: [(isReady: Bool, reason: String)] { log.changes }

    private final class Log { var changes: [(isReady: Bool, reason: String)] = [] }

    init(
        server: PostgresServer = .shared, partitions: Int = 4,
        limits: PostgresStore.Limits = PostgresStore.Limits(), behind pooler: PgBouncer? = nil,
        settings: String? = nil
    ) throws {
        let direct = try server.makeDatabase()
        database = try Database(connectionString: direct)
        connectionString =
            try pooler?.connectionString(
                #require(database.query("select current_database()")[0][0]))
            ?? direct + (settings.map { " options='-c \($0)'" } ?? "")
        try database.migrate(partitions: partitions)
        let log = Log()
        self.log = log
        store = PostgresStore(
            loop: loop, connectionString: connectionString, random: SeededGenerator(seed: 7),
            limits: limits
        ) { log.changes.append(($0, $1)) }
        store.open()
        turn(until: "connected") { log.changes.last?.isReady == true }
    }

    deinit { store.close() }

    func turn(until what: String, _ condition: () -> Bool) {
        let deadline = loop.now + .seconds(30)
        while !condition() {
            guard loop.now < deadline else {
                Issue.record("not within 30 s: \(what)")
                return
            }
            loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    /// Asks, turns the loop until the answer has come, and checks that it comes once and late.
    func result<Value>(
        _ ask: (@escaping (Result<Value, StoreFailure>) -> Void) -> Void
    ) throws -> Result<Value, StoreFailure> {
        var answers: [Result<Value, StoreFailure>] = []
        ask { answers.append($0) }
        #expect(answers.isEmpty, "answered before the call returned")
        turn(until: "answered") { !answers.isEmpty }
        loop.turn(waitingAtMost: .zero)
        #expect(answers.count == 1)
        return try #require(answers.first)
    }

    func answer<Value>(
        _ ask: (@escaping (Result<Value, StoreFailure>) -> Void) -> Void
    ) throws -> Value {
        try result(ask).get()
    }

    // MARK: Shorthand

    func inboxes(_ names: [String], shared: Bool = false) throws -> [InboxRow] {
        try answer { done in
            store.resolveInboxes(
                names.map {
                    InboxAddress(url: "https://\($0)/inbox", host: $0, isShared: shared)
                }, completion: done)
        }
    }

    func expand(_ activities: ExpandedActivity...) throws -> [StoredActivity] {
        try answer { store.expand(activities, completion: $0) }
    }

    func stored(_ activity: ExpandedActivity) throws -> ActivityID {
        guard case .stored(let row) = try expand(activity)[0] else {
            throw StoreFailure.away("not stored")
        }
        return row.id
    }

    func flush(_ flush: StoreFlush) throws -> Result<FlushResult, StoreFailure> {
        try result { store.flush(flush, completion: $0) }
    }

    func number(_ sql: String, _ parameters: [String?] = []) throws -> Int {
        let rows = try database.query(sql, parameters)
        return try #require(rows[0][0].flatMap { Int($0) })
    }
}

extension ExpandedActivity {
    static func sample(
        _ name: String, to audience: [InboxID], key: String = "https://me.example/actor#main-key"
    ) -> ExpandedActivity {
        ExpandedActivity(
            idempotencyKey: "key:\(name)", activityID: "https://me.example/\(name)",
            type: "Create", body: Array("{\"id\":\"\(name)\"}".utf8),
            digest: Array(repeating: 7, count: 32), keyID: key, lane: .normal,
            orderingKey: "https://me.example/\(name)/object", audience: audience)
    }
}

extension StoreFlush {
    static func sample(sequence: Int64 = 1, fences: [OwnedLease] = []) -> StoreFlush {
        var flush = StoreFlush(worker: Incarnation(rawValue: "w1"), sequence: sequence)
        flush.fences = fences
        return flush
    }
}

extension StoreFlush.Attempt {
    static func sample(
        _ activity: ActivityID, _ inbox: InboxID, number: Int = 1, reason: String = "server-error",
        status: Int? = 503, detail: String = "Service Unavailable", excerpt: [UInt8] = []
    ) -> StoreFlush.Attempt {
        StoreFlush.Attempt(
            activity: activity, inbox: inbox,
            at: EventLoop.wallTime + .milliseconds(number), number: number, reason: reason,
            status: status, duration: .milliseconds(120), detail: detail, excerpt: excerpt)
    }
}
