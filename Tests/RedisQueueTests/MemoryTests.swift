import DeliveryCore
import RedisQueue
import Testing

struct MemoryTests {
    /// A fan-out of 30,000 inboxes over 64 partitions: what DESIGN.md counts on when it puts ids
    /// into one entry per partition.
    @Test(arguments: [4_096, 1_024])
    func `a wide fan-out stays small in Redis`(nodeBytes: Int) throws {
        let bench = try Bench(["--stream-node-max-bytes", "\(nodeBytes)"])
        let queue = try bench.queue()
        let before = try bench.value { queue.prepare(completion: $0) }.usedMemory
        var generator = SeededGenerator(seed: 1)
        var inboxes = Array(repeating: [InboxID](), count: 64)
        for id in Int32(1)...30_000 {
            inboxes[Int.random(in: 0..<64, using: &generator)].append(InboxID(rawValue: id))
        }
        let fanouts = inboxes.enumerated().flatMap { number, ids in
            stride(from: 0, to: ids.count, by: LogEntry.inboxLimit).map { start in
                (
                    PartitionNumber(rawValue: number),
                    Fanout(
                        activity: ActivityID(day: 20_000, sequence: 1), lane: .bulk, again: false,
                        inboxes: Array(ids[start..<min(start + LogEntry.inboxLimit, ids.count)]))
                )
            }
        }
        try bench.value { (completion: @escaping RedisCompletion<Void>) in
            queue.route(fanouts, completion: completion)
        }
        let keys = (0..<64).map { queue.keys.log(PartitionNumber(rawValue: $0)) }
        let client = try bench.server.client()
        let streams = try keys.reduce(0) {
            $0 + (try client.command(["MEMORY", "USAGE", $1, "SAMPLES", "0"]).integer ?? 0)
        }
        let used = try client.facts().usedMemory - before
        print(
            "stream-node-max-bytes \(nodeBytes): \(fanouts.count) entries of 30,000 ids:",
            "MEMORY USAGE \(streams) bytes, used_memory +\(used)")
        #expect(streams < 400_000)
    }
}
