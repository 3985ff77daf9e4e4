import DeliveryCore
import PostgresStore
import Testing

/// Crashes on record, what is set aside for them, and how it comes back.
struct QuarantineTests {
    let fixture: StoreFixture
    private let entry = WorkItem.entry(
        IntakeReference(lane: .bulk, id: StreamID(milliseconds: 1_763_690_000_123, sequence: 7)))

    init() throws { fixture = try StoreFixture() }

    /// A crash of a worker that has none behind it.
    private func crash(with item: WorkItem, by worker: String? = nil) throws -> Int? {
        let name = worker ?? "\(UInt64.random(in: 0 ... .max))"
        return try fixture.database.noteCrash(
            of: item, stage: "sign", signal: "SIGSEGV", by: Incarnation(rawValue: name))?.crashes
    }

    private func load(_ id: ActivityID) throws -> ActivityRow {
        let rows = try fixture.answer { fixture.store.loadActivities([id], completion: $0) }
        return try #require(rows.first)
    }

    private func quarantined() throws -> [IntakeReference: CrashCount] {
        guard case .entry(let reference) = entry else { return [:] }
        let other = IntakeReference(lane: .urgent, id: reference.id)
        return try fixture.answer { done in
            fixture.store.quarantined([other, reference], completion: done)
        }
    }

    @Test func `an activity loses its body with the third crash, and only it`() throws {
        let inboxes = try fixture.inboxes(["a.example"]).map(\.id)
        let poison = try fixture.stored(.sample("poison", to: inboxes))
        let other = try fixture.stored(.sample("other", to: inboxes))
        for number in 1...2 {
            #expect(try crash(with: .activity(poison)) == number)
            let row = try load(poison)
            #expect(row.quarantine == nil && !row.body.isEmpty)
        }
        #expect(try fixture.database.quarantined(limit: 9).isEmpty)
        #expect(try crash(with: .activity(poison)) == 3)
        let row = try load(poison)
        #expect(row.body.isEmpty)
        #expect(row.quarantine == CrashCount(crashes: 3, stage: "sign", signal: "SIGSEGV"))
        #expect(row.activityID == "https://me.example/poison" && row.type == "Create")
        let untouched = try load(other)
        #expect(untouched.quarantine == nil && !untouched.body.isEmpty)
        let record = try #require(try fixture.database.quarantined(limit: 9).first)
        #expect(record.item == .activity(poison) && record.activityID == row.activityID)
        #expect(record.quarantinedAt != nil && record.quarantinedAt == record.lastAt)
    }

    @Test func `a crash that is told twice counts once`() throws {
        #expect(try crash(with: entry, by: "w1") == 1)
        #expect(try crash(with: entry, by: "w1") == nil)
        #expect(try crash(with: entry, by: "w2") == 2)
        #expect(try crash(with: entry, by: "w3") == 3)
        #expect(try crash(with: entry, by: "w4") == 4)
    }

    @Test func `crashes a day apart are not counted together`() throws {
        for _ in 0..<2 { _ = try crash(with: entry) }
        _ = try fixture.database.query(
            "update trunkline.crash set last_at = now() - interval '25 hours'")
        #expect(try crash(with: entry) == 1)
        #expect(try crash(with: entry) == 2)
        #expect(try quarantined().isEmpty)
        #expect(try crash(with: entry) == 3)
        #expect(try quarantined().count == 1)
    }

    /// A library that was upgraded badly crashes with whatever is at hand.
    @Test func `in an hour no more than ten are set aside`() throws {
        func item(_ number: UInt64) -> WorkItem {
            .entry(
                IntakeReference(
                    lane: .bulk, id: StreamID(milliseconds: number, sequence: 0)))
        }
        for number in 1...11 as ClosedRange<UInt64> {
            for _ in 0..<3 { _ = try crash(with: item(number)) }
        }
        #expect(try fixture.database.quarantined(limit: 99).count == 10)
        _ = try fixture.database.query(
            "update trunkline.crash set quarantined_at = now() - interval '61 minutes'")
        #expect(try crash(with: item(11)) == 4)
        #expect(try fixture.database.quarantined(limit: 99).map(\.item).contains(item(11)))
    }

    @Test func `an entry is known by its lane and its id`() throws {
        for _ in 0..<2 { _ = try crash(with: entry) }
        #expect(try quarantined().isEmpty)
        _ = try crash(with: entry)
        #expect(try quarantined().map { WorkItem.entry($0.key) } == [entry])
        #expect(try quarantined().values.map(\.crashes) == [3])
        let record = try #require(try fixture.database.quarantined(limit: 9).first)
        #expect(record.item == entry && record.activityID == nil)
    }

    @Test func `what is released is owed again but for what had ended, and is routed`() throws {
        let rows = try fixture.inboxes(["a.example", "b.example", "c.example"])
        let (sent, failed, dead) = (rows[0].id, rows[1].id, rows[2].id)
        let id = try fixture.stored(.sample("poison", to: rows.map(\.id)))
        var flush = StoreFlush.sample()
        flush.outcomes = [
            .init(activity: id, state: .delivered, inboxes: [sent], epoch: Epoch(rawValue: 1))
        ]
        flush.failures = [
            .init(
                activity: id, inbox: failed, reason: Quarantine.reason, status: nil, detail: "x"),
            .init(activity: id, inbox: dead, reason: "rejected", status: 422, detail: "y"),
        ]
        _ = try fixture.flush(flush).get()
        for _ in 0..<3 { _ = try crash(with: .activity(id)) }

        let name = "https://me.example/poison"
        #expect(try fixture.database.release(name) == 1)
        let row = try load(id)
        #expect(row.quarantine == nil && !row.body.isEmpty)
        #expect(try fixture.database.quarantined(limit: 9).isEmpty)
        let owed = try fixture.database.query(
            "select inbox from trunkline.owed(0, 9223372036854775807)")
        #expect(owed == [["\(failed.rawValue)"]])
        let parked = try fixture.answer { done in
            fixture.store.parkedReady(
                knownKeys: ["https://me.example/actor#main-key"], limit: 9, completion: done)
        }
        #expect(parked.map(\.id) == [id])
        let view = try fixture.database.query(
            "select state, last_error from trunkline.delivery where inbox = $1", [rows[1].url])
        #expect(view == [["waiting", ParkedReason.released]])

        #expect(try fixture.database.release(name) == nil)
        #expect(try fixture.database.release("https://me.example/nothing") == nil)
    }

    @Test func `what a worker failed after a release can be released again`() throws {
        let inbox = try #require(try fixture.inboxes(["a.example"]).first).id
        let id = try fixture.stored(.sample("poison", to: [inbox]))
        for _ in 0..<3 { _ = try crash(with: .activity(id)) }
        #expect(try fixture.database.release("https://me.example/poison") == 0)
        var flush = StoreFlush.sample()
        flush.failures = [
            .init(activity: id, inbox: inbox, reason: Quarantine.reason, status: nil, detail: "x")
        ]
        _ = try fixture.flush(flush).get()
        #expect(try fixture.database.release("https://me.example/poison") == 1)
    }

    @Test func `crashes are forgotten with their activity, those of entries after a week`() throws {
        let inboxes = try fixture.inboxes(["a.example"]).map(\.id)
        let kept = try fixture.stored(.sample("kept", to: inboxes))
        let dropped = ActivityID(day: 1, sequence: 1)
        for item in [entry, .activity(kept), .activity(dropped)] { _ = try crash(with: item) }
        func left() throws -> Int {
            _ = try fixture.answer {
                fixture.store.dropPartitions(retainingDays: 30, completion: $0)
            }
            return try fixture.number("select count(*) from trunkline.crash")
        }
        #expect(try left() == 3)
        try fixture.database.query(
            "update trunkline.crash set last_at = now() - interval '8 days'")
        #expect(try left() == 1)
        #expect(try fixture.database.crashes(of: kept) != nil)
    }
}
