import FaultHarness
import Foundation
import RedisQueue
import Supervision
import Testing

extension EndToEnd {
    /// Redis loses what it had, in the middle of the work; PostgreSQL has it all.
    @Suite(.serialized) struct RedisLossTests {
        /// In flight, and one flush, of a worker.
        private static let inHand = 1_000 + 500
        private static let names = (0..<100).map { "lost-\($0)" }

        private func inboxes(_ sink: SinkProcess) -> [String] {
            (0..<60).map { sink.inbox("k\($0)") }
        }

        /// All that was expanded is delivered, and next to nothing of it twice.
        private func expectAllDelivered(
            _ pool: Pool, _ sink: SinkProcess, _ expected: Set<Pair>, atMostTwice bound: Int
        ) throws {
            try Poll.until("all are delivered", within: .seconds(180)) {
                try pool.states(of: expected) == ["delivered": expected.count]
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty)
            #expect(tally.duplicates <= bound)
            print("duplicates after a loss of Redis: \(tally.duplicates) of \(expected.count)")
            try Poll.until("intake and logs are empty", within: .seconds(20)) {
                try pool.openEntries() == 0
            }
        }

        /// Under way, with all of it expanded.
        private func begin(_ pool: Pool, _ sink: SinkProcess, _ expected: Set<Pair>) throws {
            try Poll.until("all is expanded and a sixth delivered", within: .seconds(120)) {
                let stored = try pool.query("select count(*) from trunkline.activity")[0][0]
                return try stored == "\(Self.names.count)"
                    && sink.report().accepted >= expected.count / 6
            }
            #expect(try sink.report().accepted < expected.count, "it is over already")
        }

        @Test func `after FLUSHALL the workers bring back what is owed`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
                let expected = try federation.send(Self.names, to: inboxes(sink))
                try begin(pool, sink, expected)
                try pool.redis().command(["FLUSHALL"])
                // What both workers had in flight, and a flush of each.
                try expectAllDelivered(
                    pool, sink, expected, atMostTwice: 2 * Self.inHand)
                #expect(contents(of: pool.log).contains("brought back from PostgreSQL"))
                pool.expectCleanEnd()
            }
        }

        @Test func `a Redis that starts anew without its data is filled from PostgreSQL`() throws {
            let scratch = try Scratch()
            let postgres = try EmbeddedPostgres(directory: scratch.file("p"))
            try Program.run(
                Program.trunkline, ["migrate", "--database", postgres.connectionString])
            let sink = try SinkProcess(in: scratch)
            try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
            let redis = try EmbeddedRedis(directory: scratch.file("r"))
            let pool = try Pool(
                .external(redis: redis.url, database: postgres.connectionString), delivering: sink,
                in: scratch)
            let sender = try Sender(of: pool, known: sink)
            var expected: Set<Pair> = []
            for name in Self.names {
                let note = Note(name)
                try pool.enqueue(note.entry(to: inboxes(sink), key: sender.keyID))
                expected.formUnion(note.pairs(inboxes(sink)))
            }
            try begin(pool, sink, expected)
            redis.kill()
            try FileManager.default.removeItem(atPath: scratch.file("r/redis/appendonlydir"))
            try redis.start()
            try expectAllDelivered(
                pool, sink, expected, atMostTwice: 2 * Self.inHand)
            pool.expectCleanEnd()
            postgres.stop()
            redis.stop()
        }

        @Test func `trunkline rebuild makes anew what somebody deleted`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
                let expected = try federation.send(Self.names, to: inboxes(sink))
                try begin(pool, sink, expected)
                let client = try pool.redis()
                for partition in 0..<64 {
                    try client.command(["DEL", "trunkline:{p\(partition)}:log"])
                }
                let output = try pool.trunkline(["rebuild", "--all"])
                #expect(output.contains("64 partitions rebuilt"))
                try expectAllDelivered(pool, sink, expected, atMostTwice: 0)
                pool.expectCleanEnd()
            }
        }
    }
}
