import FaultHarness
import Foundation
import Testing

extension EndToEnd.OnePool {
    /// Hosts that do not take it at once.
    @Suite(.serialized) struct RetryTests {
        /// The most requests that a host may have under way when it asks for a pause.
        static let window = 8

        @Test func `a host that asks for a pause gets one and then everything once`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let inboxes = (0..<20).map { sink.inbox("busy", "/users/u\($0)/inbox") }
            try sink.follow(#"{"host": "busy.*", "status": 503, "retryAfter": 2}"#)
            let start = ContinuousClock.now
            let expected = try federation.send(["busy"], to: inboxes)
            // The first cohort, and at least two rounds after a pause.
            var refusals = 0
            try Poll.until("it was asked again", within: .seconds(30)) {
                refusals = try sink.report().refused["503", default: 0]
                return refusals > Self.window
            }
            let rounds = Int((ContinuousClock.now - start) / .seconds(2)) + 1
            #expect(refusals <= Self.window * rounds)
            let attempts = try pool.query(
                """
                select distinct t.class, t.status from trunkline.attempt t
                join trunkline.activity a on a.id = t.activity where a.activity_id = $1
                """, [Note("busy").id])
            #expect(attempts == [["unavailable", "503"]])

            try sink.follow("")
            try Poll.until("all are delivered", within: .seconds(30)) {
                try pool.states(of: expected) == ["delivered": inboxes.count]
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty)
            #expect(tally.duplicates == 0)
        }

        @Test func `a lost connection is recorded and tried again later`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            try sink.follow(#"{"host": "flaky.*", "reset": true}"#)
            let inbox = sink.inbox("flaky")
            let expected = try federation.send(["flaky"], to: [inbox])
            let pair = try #require(expected.first)
            // Between two attempts it stands in `later`, for up to half a minute and more; what
            // tests before this one have left may stand there, too.
            try Poll.until("it stands in later", within: .seconds(30)) {
                try pool.delivery(pair)?.attempts ?? 0 >= 1 && pool.laterEntries(for: inbox) == 1
            }
            let waiting = try #require(try pool.delivery(pair))
            #expect(waiting.state == "waiting")
            #expect(waiting.lastStatus == nil)
            #expect(waiting.lastError?.hasPrefix("connection-lost") == true)
            #expect(try pool.openEntries() == 0)
            let json = try pool.trunkline(["activity", pair.activity, "--json"])
            let shown = try JSONDecoder().decode(ShownActivity.self, from: Data(json.utf8))
            #expect(shown.deliveries.first?.waiting_for?.contains("connection-lost") == true)
        }
    }
}
