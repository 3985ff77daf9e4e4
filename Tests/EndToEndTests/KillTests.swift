import Glibc
import Testing

extension EndToEnd {
    /// Processes that end when they should not, and when they should.
    @Suite(.serialized) struct KillTests {
        /// What one worker may have sent without anybody having noted it: what it has in flight
        /// (`--slots`), and one unflushed batch.
        static let duplicateBound = 1_000 + 500

        static let names = (0..<100).map { "load-\($0)" }

        private func inboxes(_ sink: SinkProcess) -> [String] {
            (0..<60).map { sink.inbox("k\($0)") }
        }

        @Test func `a killed worker loses nothing and another goes on at once`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
                let expected = try federation.send(Self.names, to: inboxes(sink))
                try Poll.until("a sixth is delivered", within: .seconds(120)) {
                    try sink.report().accepted >= expected.count / 6
                }
                let workers = try pool.workers()
                #expect(workers.count == 2)
                let (victim, pid) = try #require(workers.first)
                #expect(try pool.leaseHolders().values.contains(victim))
                kill(pid, SIGKILL)
                try Poll.until("its partitions have an owner again", within: .seconds(5)) {
                    let holders = try pool.leaseHolders()
                    return holders.count == 64 && !holders.values.contains(victim)
                }
                #expect(try sink.report().accepted < expected.count, "the kill came too late")
                try expectAllDelivered(federation, expected, atMostTwice: Self.duplicateBound)
            }
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

                let next = try Pool(pool.services, delivering: sink, in: federation.scratch)
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
            }
        }

        private func expectAllDelivered(
            _ federation: Federation, _ expected: Set<Pair>, atMostTwice bound: Int
        ) throws {
            let (pool, sink) = (federation.pool, federation.sink)
            try Poll.until("all are delivered", within: .seconds(180)) {
                try pool.states(of: expected) == ["delivered": expected.count]
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty)
            #expect(tally.duplicates <= bound)
            print("duplicates after a SIGKILL: \(tally.duplicates) of \(expected.count)")
            try Poll.until("intake and logs are empty", within: .seconds(10)) {
                try pool.openEntries() == 0
            }
        }
    }
}
