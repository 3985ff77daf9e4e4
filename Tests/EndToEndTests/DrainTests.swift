import FaultHarness
import Supervision
import Testing

extension EndToEnd {
    /// A pool that ends when it should; when it should not: `FaultTests`.
    @Suite(.serialized) struct DrainTests {
        static let names = (0..<100).map { "load-\($0)" }

        private func inboxes(_ sink: SinkProcess) -> [String] {
            (0..<60).map { sink.inbox("k\($0)") }
        }

        @Test func `a drained pool sends nothing twice and the next one sends the rest`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
                let expected = try federation.send(Self.names, to: inboxes(sink))
                try Poll.until("a sixth is delivered", within: .seconds(120)) {
                    try sink.report().accepted >= expected.count / 6
                }
                pool.expectCleanEnd()
                let atDrain = try sink.report()
                #expect(atDrain.accepted < expected.count, "the drain came too late")
                #expect(atDrain.accepted == atDrain.requests)

                let next = try Pool(
                    pool.services, delivering: sink, in: federation.scratch,
                    flags: ["--request-timeout", "90"])
                try Poll.until("the rest is delivered", within: .seconds(180)) {
                    try next.states(of: expected) == ["delivered": expected.count]
                }
                let tally = try Tally.of(expected, at: sink)
                #expect(tally.losses.isEmpty)
                #expect(tally.duplicates == 0)
                try Poll.until("intake and logs are empty", within: .seconds(10)) {
                    try next.openEntries() == 0
                }
                next.expectCleanEnd()
                #expect(contents(of: next.log).contains(#"draining deadline="210.0 seconds""#))
            }
        }
    }
}
