import DeliveryCore
import RedisQueue
import Testing

struct SettlementTests {
    private let partition = PartitionNumber(rawValue: 0)
    private let host = HostID(rawValue: 42)
    private let heldKey = "trunkline:{p0}:held:42"

    private func held(_ bench: Bench) throws -> [DeliveryPointer?] {
        try #require(try bench.redis("LRANGE", heldKey, "0", "-1").array).map {
            DeliveryPointer(bytes: $0.bytes ?? [])
        }
    }

    @Test func `a resolved entry is gone and what it still owes stands where it should`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let entry = try bench.route(queue, 0, .sample())
        let other = try bench.route(queue, 0, .sample(8))
        let resolution = RedisQueue.Resolution(
            entry: entry, holds: [.init(host: host, front: false, pointers: pointers(1...2))],
            laters: [.init(pointer: pointers(3...3)[0], due: WallTime(milliseconds: 1_700))],
            hostStates: [.init(host: host, state: "open until 9")])
        try bench.value { queue.resolve(lease, [resolution], completion: $0) }

        #expect(try bench.log(queue, 0).map(\.id) == [other])
        #expect(try held(bench) == pointers(1...2))
        #expect(
            try bench.redis("ZSCORE", "trunkline:{p0}:later", "absent") == .null)
        let later = try #require(
            try bench.redis("ZRANGE", "trunkline:{p0}:later", "0", "-1", "WITHSCORES").array)
        #expect(
            later.map(\.bytes) == [
                pointers(3...3)[0].bytes + [UInt8](repeating: 0, count: 12), Array("1700".utf8),
            ])
        let states = try bench.value { queue.loadBacklog(partition, completion: $0) }.hosts
        #expect(states.map(\.0) == [host])
        #expect(states.map(\.state) == ["open until 9"])
        #expect(states.map(\.held) == [2])
    }

    @Test func `resolving twice is resolving once`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let first = try bench.route(queue, 0, .sample())
        let second = try bench.route(queue, 0, .sample(8))
        func resolution(_ entry: StreamID, _ ids: ClosedRange<Int32>) -> RedisQueue.Resolution {
            .init(
                entry: entry, holds: [.init(host: host, front: false, pointers: pointers(ids))],
                laters: [.init(pointer: pointers(ids)[0], due: WallTime(milliseconds: 5))],
                hostStates: [.init(host: host, state: "\(ids)")])
        }
        let both = [resolution(first, 1...2), resolution(second, 3...4)]
        try bench.value { queue.resolve(lease, [both[0]], completion: $0) }
        try bench.value { queue.resolve(lease, both, completion: $0) }
        try bench.value { queue.resolve(lease, both, completion: $0) }
        #expect(try held(bench) == pointers(1...4))
        #expect(try bench.redis("ZCARD", "trunkline:{p0}:later") == .integer(2))
        let states = try bench.value { queue.loadBacklog(partition, completion: $0) }.hosts
        #expect(states.map(\.state) == ["3...4"])
        #expect(try bench.log(queue, 0).isEmpty)
    }

    @Test func `entries of which nothing is owed end together, however many, and each once`() throws
    {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let entries = try (1...2_500).map { number in
            let id = StreamID(milliseconds: UInt64(number), sequence: 7)
            _ = try bench.redis("XADD", "trunkline:{p0}:log", id.description, "x", "y")
            return RedisQueue.Resolution(entry: id)
        }
        try bench.value { queue.resolve(lease, Array(entries.dropFirst(2)), completion: $0) }
        #expect(try bench.redis("XLEN", "trunkline:{p0}:log") == .integer(2))
        try bench.value { queue.resolve(lease, entries, completion: $0) }
        #expect(try bench.redis("XLEN", "trunkline:{p0}:log") == .integer(0))
        #expect(try bench.redis("EXISTS", "trunkline:{p0}:later", heldKey) == .integer(0))
    }

    @Test func `what failed goes back before what waits, what is fresh behind it, in order`() throws
    {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let first = try bench.route(queue, 0, .sample())
        let second = try bench.route(queue, 0, .sample(8))
        try bench.value {
            queue.resolve(
                lease,
                [
                    .init(
                        entry: first,
                        holds: [.init(host: host, front: false, pointers: pointers(4...6))]),
                    .init(
                        entry: second,
                        holds: [
                            .init(host: host, front: true, pointers: pointers(1...3)),
                            .init(host: host, front: false, pointers: pointers(7...8)),
                        ]),
                ], completion: $0)
        }
        #expect(try held(bench) == pointers(1...8))
    }

    @Test func `released deliveries come back in order, and the last takes the state along`() throws
    {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let entry = try bench.route(queue, 0, .sample())
        try bench.value {
            queue.resolve(
                lease,
                [
                    .init(
                        entry: entry,
                        holds: [.init(host: host, front: false, pointers: pointers(1...5))],
                        hostStates: [.init(host: host, state: "open")])
                ], completion: $0)
        }
        let probe = try bench.value { queue.release(lease, host, count: 1, completion: $0) }
        #expect(try probe.entry == bench.log(queue, 0).last?.id && probe.remaining == 4)
        #expect(try bench.redis("HLEN", "trunkline:{p0}:hosts") == .integer(1))
        let rest = try bench.value { queue.release(lease, host, count: 100, completion: $0) }
        #expect(rest.entry != nil && rest.remaining == 0)
        #expect(try bench.log(queue, 0).map(\.content).last == .pointers(pointers(2...5)))
        #expect(try bench.redis("HLEN", "trunkline:{p0}:hosts") == .integer(0))
        let none = try bench.value { queue.release(lease, host, count: 100, completion: $0) }
        #expect(none.entry == nil && none.remaining == 0)

        let contents = try bench.log(queue, 0).map(\.content)
        #expect(contents == [.pointers(pointers(1...1)), .pointers(pointers(2...5))])
    }

    @Test func `one release never makes an entry larger than can be read`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        for start in [Int32(1), 501] {
            let entry = try bench.route(queue, 0, .sample())
            let waiting = pointers(start...(start + 499))
            try bench.value {
                queue.resolve(
                    lease,
                    [
                        .init(
                            entry: entry,
                            holds: [.init(host: host, front: false, pointers: waiting)],
                            laters: waiting.map {
                                .init(pointer: $0, due: WallTime(milliseconds: 1))
                            })
                    ], completion: $0)
            }
        }
        let released = try bench.value { queue.release(lease, host, count: 9_999, completion: $0) }
        #expect(released.entry != nil && released.remaining == 488)
        let due = try bench.value {
            queue.releaseDue(lease, now: WallTime(milliseconds: 1), count: 9_999, completion: $0)
        }
        #expect(due.moved == 512)
        #expect(try bench.log(queue, 0).count == 2)
    }

    @Test func `what is due comes back, and the next due time is told`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let entry = try bench.route(queue, 0, .sample())
        let base: Int64 = 1_763_000_000_000
        let laters = pointers(1...4).enumerated().map { index, pointer in
            RedisQueue.Resolution.Later(
                pointer: pointer, due: WallTime(milliseconds: base + Int64(index) * 10))
        }
        try bench.value {
            queue.resolve(lease, [.init(entry: entry, laters: laters)], completion: $0)
        }
        func releaseDue(at offset: Int64, count: Int) throws -> (moved: Int, nextDue: WallTime?) {
            try bench.value {
                queue.releaseDue(
                    lease, now: WallTime(milliseconds: base + offset), count: count, completion: $0)
            }
        }
        let early = try releaseDue(at: -1, count: 10)
        #expect(early.moved == 0)
        #expect(early.nextDue == WallTime(milliseconds: base))
        let capped = try releaseDue(at: 10, count: 1)
        #expect(capped.moved == 1)
        #expect(capped.nextDue == WallTime(milliseconds: base + 10))
        let two = try releaseDue(at: 20, count: 10)
        #expect(two.moved == 2)
        #expect(two.nextDue == WallTime(milliseconds: base + 30))
        let last = try releaseDue(at: 30, count: 10)
        #expect(last.moved == 1)
        #expect(last.nextDue == nil)
        let contents = try bench.log(queue, 0).map(\.content)
        #expect(
            contents == [
                .pointers(pointers(1...1)), .pointers(pointers(2...3)), .pointers(pointers(4...4)),
            ])
    }

    @Test func `a new owner reads what stands in later and in a chain, soonest first`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let entry = try bench.route(queue, 0, .sample())
        let chain = ChainKey(host: host, order: OrderKey(rawValue: .max - 7))
        let laters = zip(pointers(1...3), [30, 20, 10] as [Int64]).map { pointer, due in
            RedisQueue.Resolution.Later(
                pointer: pointer, due: WallTime(milliseconds: due),
                chain: due == 20 ? nil : chain)
        }
        try bench.value {
            queue.resolve(lease, [.init(entry: entry, laters: laters)], completion: $0)
        }
        let backlog = try bench.value { queue.loadBacklog(partition, completion: $0) }
        #expect(backlog.later == [laters[2], laters[0]])
        _ = try bench.value {
            queue.releaseDue(lease, now: WallTime(milliseconds: 30), count: 9, completion: $0)
        }
        #expect(
            try bench.log(queue, 0).map(\.content) == [.pointers(laters.reversed().map(\.pointer))])
    }

    @Test func `a partition without backlog has no hosts`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        #expect(try bench.value { queue.loadBacklog(partition, completion: $0) }.hosts.isEmpty)
    }
}
