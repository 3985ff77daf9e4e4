import Glibc
import Supervision
import TestSupport
import FaultHarness
import Testing

extension EndToEnd {
    /// PostgreSQL behind a pooler.
    struct PoolerTests {
        @Test func `the pool works through a transaction pooler, and so does a worker's end`()
            throws
        {
            let scratch = try Scratch()
            let redis = try EmbeddedRedis(directory: scratch.file("r"))
            let pair = try PostgresPair()
            // Fewer than one worker's connections: none of them has a session of its own.
            let bouncer = try PgBouncer(
                before: "\(pair.directory)/a", role: "postgres", connections: 3)
            let database = bouncer.connectionString("trunkline")
            try Program.run(Program.trunkline, ["migrate", "--database", database])
            let sink = try SinkProcess(in: scratch)
            let pool = try Pool(
                .external(redis: redis.url, database: database), delivering: sink, in: scratch)
            let load = try Load(on: pool, sink, name: "pooled")
            try load.awaitAccepted(part: 6)
            let (victim, pid) = try #require(try pool.workers().first)
            kill(pid, SIGKILL)
            try Poll.until("its partitions have an owner again", within: .seconds(10)) {
                let holders = try pool.leaseHolders()
                return holders.count == 64 && !holders.values.contains(victim)
            }
            #expect(try sink.report().accepted < load.expected.count, "the kill came too late")
            try load.awaitAllRecorded(duplicates: EndToEnd.inHandOfWorker)
            pool.expectCleanEnd()
            redis.stop()
        }
    }
}
