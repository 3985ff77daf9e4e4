import DeliveryCore
import EventLoop
import Glibc
import RedisQueue
import TestSupport
import Testing

/// A failover takes seconds; these tests share the cores with all others.
@Suite(.serialized) struct SentinelTests {
    private func queue(_ url: String, on loop: EventLoop) throws -> RedisQueue {
        RedisQueue(
            loop: loop, endpoint: try RedisEndpoint(url), incarnation: Incarnation(rawValue: "w1"),
            random: { 0 })
    }

    private func turn(
        _ loop: EventLoop, _ what: String, within limit: Duration = .seconds(20),
        until condition: () throws -> Bool
    ) throws {
        let deadline = loop.now + limit
        while try !condition() {
            guard loop.now < deadline else { throw Overdue(description: what) }
            loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    @Test(arguments: [true, false])
    func `the promoted replica is followed, whether the primary died or froze`(
        dies: Bool
    ) throws {
        let fleet = try SentinelFleet()
        let loop = EventLoop()
        let queue = try queue(fleet.url, on: loop)
        var states: [Bool] = []
        queue.onStateChange = { isUp, _ in states.append(isUp) }
        queue.start()
        try turn(loop, "connected") { states.last == true }
        let old = fleet.servers[0]
        let client = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        #expect(client.servers == [old.address])

        let start = ContinuousClock.now
        dies ? old.kill() : old.freeze()
        try turn(loop, "connected to the other") { states.suffix(2) == [false, true] }
        print("\(dies ? "killed" : "frozen"): back after \(start.duration(to: .now))")
        var beat: Result<Membership, RedisFailure>?
        queue.heartbeat { beat = $0 }
        try turn(loop, "a heartbeat") { beat != nil }
        #expect(try beat?.get().alive == [queue.incarnation])
        #expect(try fleet.servers[1].command("ZCARD", "trunkline:workers") == .integer(1))
        let later = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        #expect(later.servers == [fleet.servers[1].address])

        // The old one comes back, and thinks that it is the primary until it is told.
        dies ? try old.start() : old.thaw()
        try turn(loop, "the old one is a replica") {
            try old.command("ROLE").array?.first?.text == "slave"
        }
        #expect(states.last == true)
        queue.stop()
    }

    @Test func `a failover that was asked for is followed`() throws {
        let fleet = try SentinelFleet()
        let loop = EventLoop()
        let queue = try queue(fleet.url, on: loop)
        var states: [Bool] = []
        queue.onStateChange = { isUp, _ in states.append(isUp) }
        queue.start()
        try turn(loop, "connected") { states.last == true }
        try fleet.sentinels[0].command("SENTINEL", "FAILOVER", SentinelFleet.service)
        var holder: Bool?
        try turn(loop, "a lease at the other") {
            if holder == nil {
                holder = false
                queue.takeLease(PartitionNumber(rawValue: 0)) { _ in holder = nil }
            }
            return try fleet.servers[1].command("EXISTS", "trunkline:{p0}:lease") == .integer(1)
        }
        queue.stop()
    }

    @Test func `sentinels that do not answer, or know nothing, are told of`() throws {
        let loop = EventLoop()
        let nobody = try freePorts(1)[0]
        let fleet = try SentinelFleet(replicas: 0, sentinels: 1)
        let known = fleet.sentinels[0].port
        for (sentinel, service, words) in [
            (nobody, "trunk", "refused"), (known, "other", "No such master"),
        ] {
            let url = "redis+sentinel://127.0.0.1:\(sentinel)/\(service)"
            let queue = try queue(url, on: loop)
            var reasons: [String] = []
            queue.onStateChange = { _, reason in reasons.append(reason) }
            queue.start()
            try turn(loop, "a reason") { !reasons.isEmpty }
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
        let queue = try queue(url, on: loop)
        var isUp = false
        queue.onStateChange = { up, _ in isUp = up }
        queue.start()
        try turn(loop, "connected") { isUp }
        queue.stop()
    }
}
