import DeliveryCore
import RedisQueue
import Testing

struct MarkTests {
    private let partition = PartitionNumber(rawValue: 3)
    private let key = "trunkline:{p3}:mark"

    private func process(_ queue: RedisQueue, _ bench: Bench) throws -> String {
        try bench.value { queue.examine(partition, completion: $0) }.process
    }

    private func mark(_ queue: RedisQueue, _ bench: Bench) throws -> PartitionMark? {
        try bench.value { queue.examine(partition, completion: $0) }.mark
    }

    @Test func `a mark is found where it was written, and only there`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 3, epoch: 1)
        let process = try process(queue, bench)
        try bench.value { queue.writeMark(lease, .sample, process: process, completion: $0) }
        #expect(try mark(queue, bench) == .sample)
        let other = try bench.value {
            queue.examine(PartitionNumber(rawValue: 2), completion: $0)
        }
        #expect(other.mark == nil)
        let info = try #require(try bench.redis("INFO", "server").text)
        #expect(info.contains("run_id:\(other.process)\r\n"))
    }

    @Test func `a mark is not moved on while something may be missing`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 3, epoch: 1)
        let process = try process(queue, bench)
        try bench.value { queue.writeMark(lease, .sample, process: process, completion: $0) }
        let renewed = try bench.value {
            queue.renewLeases([lease], through: ActivityID(rawValue: 99), completion: $0)
        }
        #expect(renewed.kept == [lease])
        #expect(try mark(queue, bench) == .sample)
    }

    @Test func `another process than the one that it was rebuilt at is not marked`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 3, epoch: 1)
        let failure = try bench.failure {
            queue.writeMark(lease, .sample, process: "beef", completion: $0)
        }
        #expect(failure == .fenced)
        #expect(try mark(queue, bench) == nil)
    }

    @Test func `what is no mark counts as none`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        try bench.redis("SET", key, "17")
        #expect(try mark(queue, bench) == nil)
    }

    @Test func `a renewal moves the mark on, never back, and makes none`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 3, epoch: 1)
        let process = try process(queue, bench)
        func renew(_ activity: Int64?) throws {
            let through = activity.map(ActivityID.init(rawValue:))
            let renewed = try bench.value {
                queue.renewLeases(
                    [lease], whole: [partition], through: through, completion: $0)
            }
            #expect(renewed.kept == [lease])
        }
        try renew(5)
        #expect(try bench.redis("EXISTS", key) == .integer(0))
        // Neighbours that a double cannot tell apart.
        let large: Int64 = 22_000_000_000_000_000
        for (activity, through) in [
            (nil, 9), (8, 9), (10, 10), (9, 10), (large, large), (large + 1, large + 1),
            (large, large + 1), (nil, large + 1),
        ] as [(Int64?, Int64)] {
            if try mark(queue, bench) == nil {
                try bench.value {
                    queue.writeMark(lease, .sample, process: process, completion: $0)
                }
            }
            try renew(activity)
            #expect(try mark(queue, bench)?.through.rawValue == through)
        }
        #expect(try mark(queue, bench)?.generation == PartitionMark.sample.generation)
    }

    @Test func `nothing is left of a partition that is cleared but its lease`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 3, epoch: 1)
        let process = try process(queue, bench)
        let entry = try bench.route(queue, 3, .sample())
        let host = HostID(rawValue: 9)
        let pointer = DeliveryPointer(
            activity: ActivityID(rawValue: 7), inbox: InboxID(rawValue: 1), attempts: 0)
        let ending = RedisQueue.Resolution(
            entry: entry, holds: [.init(host: host, front: false, pointers: [pointer])],
            laters: [.init(pointer: pointer, due: WallTime(milliseconds: 5))],
            hostStates: [.init(host: host, state: "")])
        try bench.value { queue.resolve(lease, [ending], completion: $0) }
        _ = try bench.route(queue, 3, .sample())
        try bench.value { queue.writeMark(lease, .sample, process: process, completion: $0) }
        #expect(try bench.redis("KEYS", "trunkline:{p3}:*").array?.count == 6)
        let others = try bench.own(queue, 4, epoch: 1)
        _ = try bench.route(queue, 4, .sample())
        try bench.value { queue.clear(lease, completion: $0) }
        #expect(
            try bench.redis("KEYS", "trunkline:{p3}:*").array?.compactMap(\.text)
                == ["trunkline:{p3}:lease"])
        #expect(try bench.log(queue, others.partition.rawValue).count == 1)
    }

    @Test func `what is restored stands in the log as if it had been routed`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 3, epoch: 1)
        let fanouts = (1...300).map { number in
            Fanout(
                activity: ActivityID(rawValue: number), lane: .bulk,
                sender: SenderID(rawValue: .max), again: true,
                inboxes: (1...Int32(number)).map(InboxID.init(rawValue:)))
        }
        try bench.value { queue.restore(lease, fanouts, completion: $0) }
        #expect(
            try bench.log(queue, 3).map(\.content) == fanouts.map(LogEntry.Content.fanout))
        try bench.value { queue.restore(lease, [], completion: $0) }
        #expect(try bench.log(queue, 3).count == 300)
    }
}

extension PartitionMark {
    static let sample = PartitionMark(
        generation: "0c4b-11", through: ActivityID(rawValue: 9))
}
