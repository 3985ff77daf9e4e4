import DeliveryCore
import RedisQueue
import Testing

/// Redis has reached its `maxmemory`.
struct FullTests {
    private func isFull(_ queue: RedisQueue, _ bench: Bench) throws -> Bool {
        try bench.value { queue.isFull(completion: $0) }
    }

    @Test func `whether there is room is seen, and without a limit there always is`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        #expect(try !isFull(queue, bench))
        try bench.redis("CONFIG", "SET", "maxmemory", "1000000000")
        #expect(try !isFull(queue, bench))
        try bench.redis("CONFIG", "SET", "maxmemory", "1")
        #expect(try isFull(queue, bench))
    }

    /// Else nobody could own it, and nothing of it would make room.
    @Test func `a partition is rebuilt all the same`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        try bench.redis("CONFIG", "SET", "maxmemory", "1")
        try bench.value { queue.clear(lease, completion: $0) }
        try bench.value { queue.restore(lease, [.sample()], completion: $0) }
        #expect(try bench.log(queue, 0).count == 1)
    }

    /// Else an intake that fills Redis could never be drained.
    @Test func `what was expanded is routed all the same, and its entry makes room`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        _ = try bench.value { queue.prepare(completion: $0) }
        try bench.redis("XADD", queue.keys.intake(.normal), "*", "activity", "{}")
        let entries = try bench.value {
            queue.readIntake(count: 10, blockMilliseconds: 0, completion: $0)
        }
        try bench.redis("CONFIG", "SET", "maxmemory", "1")
        #expect(throws: RedisFailure.self) {
            try bench.redis("XADD", queue.keys.intake(.normal), "*", "activity", "{}")
        }
        let fanouts = (0..<3).map { number in
            (PartitionNumber(rawValue: number), Fanout.sample())
        }
        try bench.value { (completion: @escaping RedisCompletion<Void>) in
            queue.route(fanouts, completion: completion)
        }
        for number in 0..<3 {
            var again = Fanout.sample()
            again.again = true
            #expect(try bench.log(queue, number).map(\.content) == [.fanout(again)])
        }
        try bench.value { queue.finishIntake(entries.map { ($0.lane, $0.id) }, completion: $0) }
        #expect(try bench.redis("XLEN", queue.keys.intake(.normal)) == .integer(0))
    }
}
