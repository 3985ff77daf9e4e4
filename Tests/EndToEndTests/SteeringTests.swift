import FaultHarness
import RedisQueue
import Testing

extension EndToEnd.OnePool {
    /// What an operator says about a host, and the main server.
    @Suite(.serialized) struct SteeringTests {
        /// Sends notes one by one, until one of them waits: then both workers may know.
        private func sendUntilOneWaits(_ name: String, _ host: String) throws -> Set<Pair> {
            let federation = try Federation.current
            let pool = federation.pool
            var sent: Set<Pair> = []
            try Poll.until("one waits", within: .seconds(20)) {
                let one = try federation.send(
                    ["\(name)-\(sent.count)"], to: [federation.sink.inbox(host)])
                sent.formUnion(one)
                let pair = try #require(one.first)
                try Poll.until("it was looked at", within: .seconds(20)) {
                    try pool.delivery(pair) != nil && pool.openEntries() == 0
                }
                return try pool.delivery(pair)?.state == "waiting"
            }
            return sent
        }

        @Test func `what is for a paused host waits, says why, and goes when it is resumed`() throws
        {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let host = try #require(sink.inbox("calm").split(separator: "/").dropFirst().first)
            try pool.trunkline(["pause", String(host), "--reason", "they asked"])
            let sent = try sendUntilOneWaits("calm", "calm")
            let waiting = try #require(
                try sent.first { try pool.delivery($0)?.state == "waiting" })
            let shown = try pool.trunkline(["activity", waiting.activity])
            #expect(shown.contains("is paused by") && shown.contains("they asked"))
            try pool.trunkline(["resume", String(host)])
            try Poll.until("all are delivered", within: .seconds(20)) {
                try pool.states(of: sent) == ["delivered": sent.count]
            }
            #expect(try Tally.of(sent, at: sink).losses.isEmpty)
        }

        @Test func `what is for a blocked host is dropped, also what waited`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            let host = try #require(sink.inbox("spam").split(separator: "/").dropFirst().first)
            try pool.trunkline(["pause", String(host)])
            let sent = try sendUntilOneWaits("spam", "spam")
            let delivered = try pool.states(of: sent)["delivered", default: 0]
            try pool.trunkline(["block", String(host)])
            try Poll.until("the rest is dropped", within: .seconds(20)) {
                let states = try pool.states(of: sent)
                return states["waiting"] == nil && states["delivered", default: 0] >= delivered
            }
            let fresh = try federation.send(["spam-fresh"], to: [sink.inbox("spam")])
            try Poll.until("what is fresh is dropped", within: .seconds(20)) {
                try pool.states(of: fresh) == ["dropped": 1]
            }
            try pool.trunkline(["resume", String(host)])
        }

        @Test func `a host that is seen alive gets what waits for it at once`() throws {
            let federation = try Federation.current
            let (pool, sink) = (federation.pool, federation.sink)
            try sink.follow(#"{"host": "back.*", "reset": true}"#)
            let inboxes = (0..<8).map { sink.inbox("back", "/users/u\($0)/inbox") }
            let sent = try federation.send(["back"], to: inboxes)
            let host = try #require(sink.inbox("back").split(separator: "/").dropFirst().first)
            try Poll.until("its circuit is open", within: .seconds(30)) {
                try pool.query(
                    "select state from trunkline.host where name = $1", [String(host)]
                ) == [["open"]]
            }
            try sink.follow("")
            // What failed before the circuit opened waits for a time of its own; the rest is held.
            let redis = try pool.redis()
            _ = try redis.command(["XADD", redis.keys.alive, "*", "host", String(host)])
            try Poll.until("it is closed", within: .seconds(20)) {
                try pool.query(
                    "select state from trunkline.host where name = $1", [String(host)]
                ) == [["closed"]]
            }
            try Poll.until("all are delivered", within: .seconds(60)) {
                try pool.states(of: sent) == ["delivered": inboxes.count]
            }
        }
    }
}
