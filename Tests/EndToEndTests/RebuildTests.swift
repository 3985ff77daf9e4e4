import FaultHarness
import RedisQueue
import Testing

extension EndToEnd {
    /// What workers do by themselves after a loss is among the faults.
    @Suite(.serialized) struct RebuildTests {
        @Test func `trunkline rebuild makes anew what somebody deleted`() throws {
            try Federation.run { federation in
                let (pool, sink) = (federation.pool, federation.sink)
                try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
                let inboxes = (0..<60).map { sink.inbox("k\($0)") }
                let names = (0..<100).map { "lost-\($0)" }
                let expected = try federation.send(names, to: inboxes)
                try Poll.until("all is expanded, and a sixth delivered", within: .seconds(120)) {
                    let stored = try pool.query("select count(*) from trunkline.activity")[0][0]
                    return try stored == "\(names.count)"
                        && sink.report().accepted >= expected.count / 6
                }
                #expect(try sink.report().accepted < expected.count, "it is over already")
                let client = try pool.redis()
                for partition in 0..<64 {
                    try client.command(["DEL", "trunkline:{p\(partition)}:log"])
                }
                let output = try pool.trunkline(["rebuild", "--all"])
                #expect(output.contains("64 partitions rebuilt"))

                try Poll.until("all are delivered", within: .seconds(180)) {
                    try pool.states(of: expected) == ["delivered": expected.count]
                }
                let tally = try Tally.of(expected, at: sink)
                #expect(tally.losses.isEmpty)
                #expect(tally.duplicates == 0)
                try Poll.until("intake and logs are empty", within: .seconds(20)) {
                    try pool.openEntries() == 0
                }
                pool.expectCleanEnd()
            }
        }
    }
}
