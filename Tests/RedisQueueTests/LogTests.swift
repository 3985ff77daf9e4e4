import DeliveryCore
import RedisQueue
import Testing

struct LogTests {
    private let first = PartitionNumber(rawValue: 1)
    private let second = PartitionNumber(rawValue: 2)

    @Test func `fan-outs are read as they were routed, on from a cursor`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let wide = Fanout(
            activity: ActivityID(day: 20_000, sequence: 5), lane: .bulk,
            sender: SenderID(rawValue: .max), again: true,
            inboxes: (1...512).map { InboxID(rawValue: $0 * 1_000) })
        try bench.value { (completion: @escaping RedisCompletion<Void>) in
            queue.route(
                [(first, .sample(1)), (second, wide), (first, .sample(2))], completion: completion)
        }
        let read = try bench.value {
            queue.readLogs(
                [
                    (second, after: .zero), (PartitionNumber(rawValue: 9), after: .zero),
                    (first, after: .zero),
                ],
                count: 10, blockMilliseconds: 0, completion: $0)
        }
        #expect(read.map(\.0) == [second, first])
        #expect(read[0].1.map(\.content) == [.fanout(wide)])
        #expect(read[1].1.map(\.content) == [.fanout(.sample(1)), .fanout(.sample(2))])

        let cursor = read[1].1[0].id
        let rest = try bench.value {
            queue.readLogs(
                [(first, after: cursor)], count: 10, blockMilliseconds: 0, completion: $0)
        }
        #expect(rest.flatMap(\.1).map(\.content) == [.fanout(.sample(2))])
    }

    @Test func `reading no logs answers nothing`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let read = try bench.value {
            queue.readLogs([], count: 1, blockMilliseconds: 60_000, completion: $0)
        }
        #expect(read.isEmpty)
    }

    @Test func `a waiting read is woken by a route and by an interrupt`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        func wait() -> Promise<[(PartitionNumber, [LogEntry])]> {
            let promise = Promise<[(PartitionNumber, [LogEntry])]>()
            queue.readLogs(
                [(first, after: .zero), (second, after: .zero)], count: 1,
                blockMilliseconds: 60_000, completion: promise.complete)
            return promise
        }
        let interrupted = wait()
        queue.interruptLogRead()
        try bench.turn { interrupted.outcome != nil }
        #expect(try interrupted.outcome?.get().isEmpty == true)

        let woken = wait()
        try bench.value { (completion: @escaping RedisCompletion<Void>) in
            queue.route([(second, .sample())], completion: completion)
        }
        try bench.turn { woken.outcome != nil }
        #expect(try woken.outcome?.get().map(\.0) == [second])
    }

    @Test(arguments: [
        (["nonsense", "1"], "`activity` is missing"),
        (["activity", "x"], "`activity` is missing or not a number"),
        (["activity", "1", "lane", "slow"], "`lane`"),
        (["activity", "1", "lane", "bulk"], "`again`"),
        (["activity", "1", "lane", "bulk", "sender", "-1"], "`sender`"),
        (["activity", "1", "lane", "bulk", "again", "0"], "`inboxes`"),
        (["activity", "1", "lane", "bulk", "again", "0", "inboxes", "\u{1}\u{0}"], "`inboxes`"),
        (["pointers", "twelve bytes"], "`pointers` has 12 bytes"),
        (["pointers", ""], "`pointers` has 0 bytes"),
    ])
    func `a malformed entry is reported beside the good ones`(fields: [String], words: String)
        throws
    {
        let bench = try Bench()
        let queue = try bench.queue()
        try bench.value { (completion: @escaping RedisCompletion<Void>) in
            queue.route([(first, .sample())], completion: completion)
        }
        let command = ["XADD", "trunkline:{p1}:log", "*"] + fields
        let id = try bench.server.client().command(command).text
        let read = try bench.value {
            queue.readLogs(
                [(first, after: .zero)], count: 10, blockMilliseconds: 0, completion: $0)
        }
        let entries = try #require(read.first { $0.0 == first }?.1)
        #expect(entries.first?.content == .fanout(.sample()))
        #expect(entries.map(\.id.description).last == id)
        guard case .malformed(let reason) = entries.last?.content else {
            Issue.record("\(entries) does not end with the malformed entry")
            return
        }
        #expect(reason.contains(words))
    }

    @Test func `depths count the logs and what waits`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 1, epoch: 1)
        let entry = try bench.route(queue, 1, .sample())
        _ = try bench.route(queue, 1, .sample(8))
        let laters = pointers(1...3).map {
            RedisQueue.Resolution.Later(pointer: $0, due: WallTime(milliseconds: 5))
        }
        try bench.value {
            queue.resolve(lease, [.init(entry: entry, laters: laters)], completion: $0)
        }
        let depths = try bench.value { queue.depths(partitions: [first, second], completion: $0) }
        #expect(depths.partitions == [first: .init(log: 1, later: 3), second: .init()])
    }
}
