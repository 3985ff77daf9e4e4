import EventLoop
import Testing

@testable import DeliveryCore
@testable import PostgresStore
@testable import WorkerRuntime

/// What was stored just now is not read back, as long as nobody else can know better.
@Suite struct FreshActivitiesTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)
    private var fresh: FreshActivities

    init() { fresh = FreshActivities(now: start) }

    private func row(
        _ id: Int64, type: String = "Create", about: String = "note", by actor: String = "a",
        bytes: Int = 100
    ) -> ActivityRow {
        ActivityRow(
            id: ActivityID(rawValue: id), activityID: "https://our.example/\(id)",
            body: Array(repeating: 65, count: bytes), digest: [],
            keyID: "https://our.example/users/\(actor)#main-key", lane: .normal,
            orderingKey: "https://our.example/\(about)", createdAt: WallTime(milliseconds: 1),
            type: type, isSuperseded: false)
    }

    private mutating func known(_ ids: ClosedRange<Int64>, at now: Instant) -> [Int64] {
        fresh.take(ids.map(ActivityID.init(rawValue:)), at: now).map(\.id.rawValue)
    }

    @Test mutating func `each is given once, and only for seconds`() {
        for id in 1...3 { fresh.remember(row(Int64(id), about: "\(id)"), at: start) }
        #expect(known(1...1, at: start) == [1])
        #expect(known(1...2, at: start + .seconds(6)) == [2])
        #expect(known(1...9, at: start + .seconds(11)) == [])
        #expect(fresh.count == 0)
    }

    @Test mutating func `after a pause longer than its life nothing is known`() {
        fresh.remember(row(1), at: start)
        #expect(known(1...1, at: start + .seconds(3_600)) == [])
    }

    @Test mutating func `bytes are bounded, and the oldest give way`() {
        let large = FreshActivities.byteLimit / 4
        for id in 1...100 {
            fresh.remember(row(Int64(id), about: "\(id)", bytes: large), at: start)
        }
        fresh.remember(row(101, about: "huge", bytes: FreshActivities.byteLimit), at: start)
        #expect(fresh.count <= 8)
        let left = known(1...101, at: start)
        #expect(left.contains(100) && !left.contains(1) && !left.contains(101))
    }

    @Test mutating func `a Delete makes the revisions of its object unknown, and of no other`() {
        fresh.remember(row(1), at: start)
        fresh.remember(row(2, type: "Update"), at: start + .seconds(6))
        fresh.remember(row(3, about: "other"), at: start + .seconds(6))
        fresh.remember(row(4, by: "b"), at: start + .seconds(6))
        fresh.remember(row(5, type: "Like"), at: start + .seconds(6))
        fresh.remember(row(6, type: "Delete"), at: start + .seconds(6))
        #expect(known(1...6, at: start + .seconds(6)) == [3, 4, 5, 6])
    }

    @Test mutating func `behind a Delete no revision of its object is kept`() {
        fresh.remember(row(1, type: "Delete"), at: start)
        fresh.remember(row(2, type: "Update"), at: start)
        fresh.remember(row(3, type: "Update", about: "other"), at: start)
        fresh.remember(row(4), at: start + .seconds(6))
        #expect(known(1...4, at: start + .seconds(6)) == [1, 3])
    }

    @Test mutating func `all can be forgotten`() {
        fresh.remember(row(1), at: start)
        fresh.forgetAll(at: start)
        #expect(known(1...1, at: start) == [])
    }
}

extension WithPostgres {
    @Suite struct FreshPreparationTests {
        @Test func `what is known is not asked for, and the rest is`() throws {
            let bench = try Bench()
            let keys = KeySource(
                directory: nil, store: bench.store, multiBuffer: nil, now: { EventLoop.now },
                onFlaw: { _ in }, onFailure: { _ in })
            let stored = try bench.answer {
                bench.store.expand(
                    (1...2).map { number in
                        ExpandedActivity(
                            idempotencyKey: "\(number)",
                            activityID: "https://our.example/\(number)",
                            type: "Create", body: Array("{}".utf8),
                            digest: Array(repeating: 1, count: 32),
                            keyID: "https://our.example/users/a#main-key", lane: .normal,
                            orderingKey: "\(number)", audience: [])
                    }, completion: $0)
            }.get()
            let rows = stored.compactMap { if case .stored(let row) = $0 { row } else { nil } }
            try #require(rows.count == 2)
            // What is prepared shows who was asked.
            try bench.database.query("update trunkline.activity set content_type = 'text/read'")
            var types: [ActivityID: String] = [:]
            let facts = try bench.answer { done in
                PreparationRun(
                    PreparationRequest(activities: rows.map(\.id)), known: [rows[0]],
                    store: bench.store, inboxes: bench.inboxes, keys: keys,
                    shelve: { types[$0] = $1.contentType }, holding: { $1() }, completion: done
                ).start()
            }.get()
            #expect(types == [rows[0].id: "application/activity+json", rows[1].id: "text/read"])
            #expect(facts.activities.count == 2)
        }
    }
}
