import DeliveryCore
import EventLoop
import RedisQueue
import Testing

struct LeaseTests {
    private let partition = PartitionNumber(rawValue: 3)
    private let key = "trunkline:{p3}:lease"

    @Test func `one lease, one owner, whoever asks again`() throws {
        let bench = try Bench()
        let mine = try bench.queue("mine")
        let other = try bench.queue("other")
        #expect(try bench.value { mine.takeLease(partition, completion: $0) })
        #expect(try bench.value { mine.takeLease(partition, completion: $0) })
        #expect(try !bench.value { other.takeLease(partition, completion: $0) })
        #expect(try bench.redis("GET", key).text == "mine 0")

        let epoch = Epoch(rawValue: 12)
        #expect(try !bench.value { other.sealLease(partition, epoch, completion: $0) })
        #expect(try bench.value { mine.sealLease(partition, epoch, completion: $0) })
        #expect(try bench.redis("GET", key).text == "mine 12")
        let left = try #require(try bench.redis("PTTL", key).integer)
        #expect((14_000...15_000).contains(left))
    }

    @Test func `an incarnation whose name starts like the owner's is not the owner`() throws {
        let bench = try Bench()
        let long = try bench.queue("w10")
        let short = try bench.queue("w1")
        _ = try bench.own(long, 3, epoch: 1)
        #expect(
            try !bench.value {
                short.sealLease(partition, Epoch(rawValue: 2), completion: $0)
            })
    }

    @Test func `renewal keeps what is ours and names what is lost`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let leases = try (0..<4).map { try bench.own(queue, $0, epoch: 1) }
        try bench.redis("SET", "trunkline:{p1}:lease", "other 2")
        try bench.redis("DEL", "trunkline:{p2}:lease")
        try bench.redis("PEXPIRE", key, "1000")
        let (kept, lost) = try bench.value { queue.renewLeases(leases, completion: $0) }
        #expect(lost == Array(leases[1...2]))
        #expect(kept == [leases[0], leases[3]])
        #expect(try #require(try bench.redis("PTTL", key).integer) > 1_000)
        #expect(try bench.redis("GET", "trunkline:{p1}:lease").text == "other 2")
        #expect(try bench.redis("EXISTS", "trunkline:{p2}:lease") == .integer(0))
        #expect(try bench.value { queue.renewLeases([], completion: $0) }.lost.isEmpty)
    }

    @Test func `an expired lease is anybody's, and its old owner is told`() throws {
        let bench = try Bench()
        let slow = try bench.queue("slow", leaseTime: .milliseconds(30))
        let next = try bench.queue("next")
        let lease = try bench.own(slow, 3, epoch: 1)
        var isTaken = false
        try bench.turn {
            isTaken = (try? bench.value { next.takeLease(partition, completion: $0) }) ?? false
            return isTaken
        }
        #expect(try bench.value { slow.renewLeases([lease], completion: $0) }.lost == [lease])
    }

    @Test func `a fenced worker changes nothing`() throws {
        let bench = try Bench()
        let frozen = try bench.queue("frozen")
        let lease = try bench.own(frozen, 3, epoch: 1)
        let entry = try bench.route(frozen, 3, .sample())
        let parked = try bench.route(frozen, 3, .sample(8))
        let host = HostID(rawValue: 5)
        let waiting = RedisQueue.Resolution(
            entry: parked, holds: [.init(host: host, front: false, pointers: pointers(1...2))],
            laters: [.init(pointer: pointers(9...9)[0], due: WallTime(milliseconds: 1))],
            hostStates: [.init(host: host, state: "open")])
        try bench.value { frozen.resolve(lease, [waiting], completion: $0) }

        try bench.redis("DEL", key)
        let next = try bench.queue("next")
        _ = try bench.own(next, 3, epoch: 2)
        let before = try dump(bench)

        var again = waiting
        again.entry = entry
        #expect(try bench.failure { frozen.resolve(lease, [again], completion: $0) } == .fenced)
        #expect(
            try bench.failure { frozen.release(lease, host, count: 5, completion: $0) } == .fenced)
        #expect(
            try bench.failure {
                frozen.releaseDue(lease, now: WallTime(milliseconds: 99), count: 5, completion: $0)
            } == .fenced)
        #expect(
            try bench.failure { frozen.writeMark(lease, .sample, process: "", completion: $0) }
                == .fenced)
        #expect(try bench.failure { frozen.clear(lease, completion: $0) } == .fenced)
        #expect(
            try bench.failure { frozen.restore(lease, [.sample()], completion: $0) } == .fenced)
        #expect(try bench.value { frozen.renewLeases([lease], completion: $0) }.lost == [lease])
        try bench.value { frozen.releaseLeases([lease], completion: $0) }
        #expect(try dump(bench) == before)
        #expect(try bench.redis("GET", key).text == "next 2")
    }

    @Test func `an older epoch of the same worker is fenced too`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let old = try bench.own(queue, 3, epoch: 1)
        #expect(try bench.value { queue.sealLease(partition, Epoch(rawValue: 2), completion: $0) })
        let entry = try bench.route(queue, 3, .sample())
        #expect(
            try bench.failure { queue.resolve(old, [.init(entry: entry)], completion: $0) }
                == .fenced)
        #expect(try bench.log(queue, 3).count == 1)
    }

    /// Every key of partition 3 but the lease, as DUMP gives it.
    private func dump(_ bench: Bench) throws -> [String: RedisReply] {
        let names = try #require(try bench.redis("KEYS", "trunkline:{p3}:*").array)
            .compactMap(\.text).filter { $0 != key }
        #expect(names.count == 4, "log, held, later and hosts")
        var values: [String: RedisReply] = [:]
        for name in names { values[name] = try bench.redis("DUMP", name) }
        return values
    }

    @Test func `released leases are free at once`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let leases = try (2..<4).map { try bench.own(queue, $0, epoch: 1) }
        try bench.value { queue.releaseLeases(leases, completion: $0) }
        #expect(try bench.redis("EXISTS", key, "trunkline:{p2}:lease") == .integer(0))
    }

    @Test func `the supervisor frees the leases of a dead worker and no others`() throws {
        let bench = try Bench()
        let dead = try bench.queue("w1")
        let living = try bench.queue("w10")
        _ = try bench.own(dead, 0, epoch: 4)
        #expect(try bench.value { dead.takeLease(PartitionNumber(rawValue: 1), completion: $0) })
        _ = try bench.own(living, 2, epoch: 4)
        let client = try bench.server.client()
        #expect(try client.releaseLeases(of: dead.incarnation, partitions: 0..<64) == 2)
        #expect(try client.releaseLeases(of: dead.incarnation, partitions: 0..<64) == 0)
        #expect(try bench.redis("GET", "trunkline:{p2}:lease").text == "w10 4")
    }
}
