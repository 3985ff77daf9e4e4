import DeliveryCore
import PostgresStore
import Testing

/// An inbox that answers 404 or 410 again and again is given up, and forgiven when it takes one.
struct GoneInboxTests {
    let fixture: StoreFixture
    let personal: InboxRow
    let shared: InboxRow

    init() throws {
        fixture = try StoreFixture()
        personal = try #require(fixture.inboxes(["a.example"]).first)
        shared = try #require(fixture.inboxes(["b.example"], shared: true).first)
    }

    /// One more activity is refused by both.
    private func strike(_ number: Int64) throws {
        let activity = try fixture.stored(.sample("note \(number)", to: [personal.id, shared.id]))
        var flush = StoreFlush.sample(sequence: number)
        flush.failures = [personal, shared].map {
            .init(
                activity: activity, inbox: $0.id, reason: "inbox-gone", status: 410, detail: "gone")
        }
        // Twice, as after a commit that was never confirmed.
        for _ in 0..<2 { #expect(try fixture.flush(flush) == .success(FlushResult())) }
    }

    private func rows() throws -> [InboxRow] {
        let rows: [InboxRow] = try fixture.answer {
            fixture.store.loadInboxes([personal.id, shared.id], completion: $0)
        }
        return rows.sorted { $0.id < $1.id }
    }

    @Test func `a personal inbox is gone after three, a shared one only after a day of it`() throws
    {
        for number in 1...2 { try strike(Int64(number)) }
        #expect(try rows().map(\.isGone) == [false, false])
        #expect(try rows().map(\.hasStrikes) == [true, true])
        try strike(3)
        #expect(try rows().map(\.isGone) == [true, false])

        _ = try fixture.database.query(
            "update trunkline.inbox set struck_since = struck_since - interval '25 hours'", [])
        try strike(4)
        #expect(try rows().map(\.isGone) == [true, true])
    }

    @Test func `what is gone is tried again after thirty days, and one success forgives all`()
        throws
    {
        for number in 1...3 { try strike(Int64(number)) }
        _ = try fixture.database.query(
            "update trunkline.inbox set gone_since = gone_since - interval '31 days'", [])
        #expect(try rows().map(\.isGone) == [false, false])

        var flush = StoreFlush.sample(sequence: 9)
        flush.revivedInboxes = [personal.id, shared.id, shared.id]
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        #expect(try rows().map(\.hasStrikes) == [false, false])
        try strike(10)
        #expect(try rows().map(\.isGone) == [false, false])
    }

    @Test func `failures of another kind strike nobody`() throws {
        let activity = try fixture.stored(.sample("note", to: [personal.id]))
        var flush = StoreFlush.sample()
        flush.failures = [
            .init(
                activity: activity, inbox: personal.id, reason: "rejected", status: 400, detail: "")
        ]
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        #expect(try rows().map(\.hasStrikes) == [false, false])
    }
}
