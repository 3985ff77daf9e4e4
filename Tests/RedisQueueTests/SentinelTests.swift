import DeliveryCore
import EventLoop
import Glibc
import RedisQueue
import TestSupport
import Testing

/// A failover takes seconds; these tests share the cores with all others.
@Suite(.serialized) struct SentinelTests {
    private final class Subject: LoopBench { let loop = EventLoop() }

    private func queue(_ url: String, on bench: Subject) throws -> RedisQueue {
        RedisQueue(
            loop: bench.loop, endpoint: try RedisEndpoint(url),
            incarnation: Incarnation(rawValue: "w1"),
            random: { 0 })
    }

    @Test(arguments: [true, false])
    func `the promoted replica is followed, whether the primary died or froze`(
        dies: Bool
    ) throws {
        let fleet = try SentinelFleet()
        let bench = Subject()
        let queue = try queue(fleet.url, on: bench)
        var states: [Bool] = []
        queue.onStateChange = { isUp, _ in states.append(isUp) }
        queue.start()
        try bench.turn("connected") { states.last == true }
        let old = fleet.servers[0]
        let client = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        #expect(client.servers == [old.address])

        let start = ContinuousClock.now
        dies ? old.kill() : old.freeze()
        try bench.turn("connected to the other") { states.suffix(2) == [false, true] }
        print("\(dies ? "killed" : "frozen"): back after \(start.duration(to: .now))")
        var beat: Result<Membership, RedisFailure>?
        queue.heartbeat { beat = $0 }
        try bench.turn("a heartbeat") { beat != nil }
        #expect(try beat?.get().alive == [queue.incarnation])
        #expect(try fleet.servers[1].command("ZCARD", "trunkline:workers") == .integer(1))
        let later = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        #expect(later.servers == [fleet.servers[1].address])

        // The old one comes back, and thinks that it is the primary until it is told: Sentinel asks
        // for its role every 10 s, and acts on the second answer, if it was never away for 8 s: half a
        // second without an answer is nothing on a busy machine.
        for sentinel in fleet.sentinels {
            try sentinel.command(
                "SENTINEL", "SET", SentinelFleet.service, "down-after-milliseconds", "20000")
        }
        dies ? try old.start() : old.thaw()
        try bench.turn(within: .seconds(90), "the old one is a replica") {
            try old.command("ROLE").array?.first?.text == "slave"
        }
        #expect(states.last == true)
        queue.stop()
    }

    @Test func `a failover that was asked for is followed`() throws {
        let fleet = try SentinelFleet()
        let bench = Subject()
        let queue = try queue(fleet.url, on: bench)
        var states: [Bool] = []
        queue.onStateChange = { isUp, _ in states.append(isUp) }
        queue.start()
        try bench.turn("connected") { states.last == true }
        try fleet.sentinels[0].command("SENTINEL", "FAILOVER", SentinelFleet.service)
        var holder: Bool?
        try bench.turn("a lease at the other") {
            if holder == nil {
                holder = false
                queue.takeLease(PartitionNumber(rawValue: 0)) { _ in holder = nil }
            }
            return try fleet.servers[1].command("EXISTS", "trunkline:{p0}:lease") == .integer(1)
        }
        queue.stop()
    }

    @Test func `sentinels that do not answer, or know nothing, are told of`() throws {
        let bench = Subject()
        let nobody = try freePorts(1)[0]
        let fleet = try SentinelFleet(replicas: 0, sentinels: 1)
        let known = fleet.sentinels[0].port
        for (sentinel, service, words) in [
            (nobody, "trunk", "refused"), (known, "other", "No such master"),
        ] {
            let url = "redis+sentinel://127.0.0.1:\(sentinel)/\(service)"
            let queue = try queue(url, on: bench)
            var reasons: [String] = []
            queue.onStateChange = { _, reason in reasons.append(reason) }
            queue.start()
            try bench.turn("a reason") { !reasons.isEmpty }
            #expect(reasons[0].contains("sentinel 127.0.0.1:\(sentinel)"))
            #expect(reasons[0].contains(words))
            queue.stop()
            #expect(throws: RedisFailure.self) {
                _ = try RedisClient(
                    endpoint: RedisEndpoint(url), timeout: .milliseconds(100))
            }
        }
        // One that answers is enough.
        let url = "redis+sentinel://127.0.0.1:\(nobody),127.0.0.1:\(known)/trunk"
        let queue = try queue(url, on: bench)
        var isUp = false
        queue.onStateChange = { up, _ in isUp = up }
        queue.start()
        try bench.turn("connected") { isUp }
        queue.stop()
    }
}
