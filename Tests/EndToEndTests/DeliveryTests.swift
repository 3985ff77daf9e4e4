import FaultHarness
import Foundation
import Testing

extension EndToEnd.OnePool {
    /// What the product is for.
    @Suite(.serialized) struct DeliveryTests {
        @Test func `every inbox gets every activity exactly once and the record says so`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let names = (0..<40).map { "plain-\($0)" }
            let expected = try federation.send(
                names, to: (0..<50).map { sink.inbox("h\($0)", "/users/u\($0)/inbox") })

            try Poll.until("all \(expected.count) delivered", within: .seconds(120)) {
                try pool.states(of: expected) == ["delivered": expected.count]
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty)
            #expect(tally.duplicates == 0)
            #expect(tally.requests == expected.count)
            let report = try sink.report()
            #expect(report.badSignatures.isEmpty)
            #expect(report.orderViolations == 0)
            let recorded = try pool.query(
                "select activity, inbox from trunkline.delivery where activity like '%/plain-%'")
            #expect(
                Set(recorded.map { Pair(activity: $0[0] ?? "", inbox: $0[1] ?? "") }) == expected)
            try Poll.until("intake and logs are empty", within: .seconds(10)) {
                try pool.openEntries() == 0
            }
        }

        @Test func `the activity command tells the same as the record`() throws {
            let federation = try Federation.current
            let inboxes = (0..<3).map { federation.sink.inbox("shown\($0)") }
            _ = try federation.send(["shown"], to: inboxes)
            let note = Note("shown")
            try Poll.until("delivered", within: .seconds(20)) {
                try federation.pool.query(
                    "select from trunkline.delivery where activity = $1 and state = 'delivered'",
                    [note.id]
                ).count == 3
            }
            let json = try federation.pool.trunkline(["activity", note.id, "--json"])
            let shown = try JSONDecoder().decode(ShownActivity.self, from: Data(json.utf8))
            #expect(shown.counts["delivered"] == 3)
            #expect(shown.counts["waiting"] == 0)
            #expect(shown.deliveries.map(\.inbox) == inboxes.sorted())
            #expect(shown.deliveries.allSatisfy { $0.state == "delivered" && $0.attempts == 1 })
        }

        @Test func `an entry that is put in twice under one id is delivered once`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let note = Note("twice")
            let inbox = sink.inbox("twice")
            for _ in 0..<2 {
                try pool.enqueue(
                    note.entry(to: [inbox], key: federation.sender.keyID) + [("id", "twice")])
            }
            try Poll.until("both entries are done", within: .seconds(20)) {
                try pool.openEntries() == 0
                    && pool.delivery(Pair(activity: note.id, inbox: inbox))?.state == "delivered"
            }
            #expect(try sink.pairs().filter { $0.activity == note.id }.map(\.accepted) == [1])
        }
    }
}

/// The members of `trunkline activity --json` that tests look at.
struct ShownActivity: Decodable {
    struct Delivery: Decodable {
        var inbox: String
        var state: String
        var attempts: Int
        var waiting_for: String?
    }

    var counts: [String: Int]
    var deliveries: [Delivery]
}
