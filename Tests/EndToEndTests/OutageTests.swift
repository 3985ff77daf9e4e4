import Supervision
import Testing

extension EndToEnd {
    /// The servers that a pool stands on go away, and come back.
    @Suite(.serialized) struct OutageTests {
        @Test func `a pool outlives an outage of PostgreSQL and a kill of Redis`() throws {
            let scratch = try Scratch()
            let redis = try EmbeddedRedis(directory: scratch.file("r"))
            let postgres = try EmbeddedPostgres(directory: scratch.file("p"))
            try Program.run(
                Program.trunkline, ["migrate", "--database", postgres.connectionString])
            let sink = try SinkProcess(in: scratch)
            let pool = try Pool(
                .external(redis: redis.url, database: postgres.connectionString),
                delivering: sink, in: scratch)
            let sender = try Sender(of: pool, known: sink)
            try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
            let inboxes = (0..<40).map { sink.inbox("o\($0)") }
            var expected: Set<Pair> = []
            for index in 0..<90 {
                let note = Note("outage-\(index)")
                try pool.enqueue(note.entry(to: inboxes, key: sender.keyID))
                expected.formUnion(note.pairs(inboxes))
            }
            try awaitAccepted(expected.count / 6, by: sink)

            postgres.stop()
            // Long enough that every connection has noticed, and results have piled up.
            try Poll.until("the pool says so", within: .seconds(20)) {
                contents(of: pool.log).contains("PostgreSQL is away")
            }
            try postgres.start()
            try awaitAccepted(expected.count / 2, by: sink)
            #expect(try sink.report().accepted < expected.count, "the load was too small")

            redis.kill()
            try redis.start()

            try Poll.until("all are delivered", within: .seconds(120)) {
                try pool.states(of: expected) == ["delivered": expected.count]
            }
            let tally = try Tally.of(expected, at: sink)
            #expect(tally.losses.isEmpty)
            #expect(tally.duplicates <= 2 * KillTests.duplicateBound)
            print("duplicates after two outages: \(tally.duplicates) of \(expected.count)")
            try Poll.until("intake and logs are empty", within: .seconds(20)) {
                try pool.openEntries() == 0
            }
            pool.expectCleanEnd()
            postgres.stop()
            redis.stop()
        }

        private func awaitAccepted(_ count: Int, by sink: SinkProcess) throws {
            try Poll.until("\(count) are accepted", within: .seconds(180)) {
                try sink.report().accepted >= count
            }
        }
    }
}
