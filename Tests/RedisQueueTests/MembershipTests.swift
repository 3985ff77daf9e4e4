import DeliveryCore
import RedisQueue
import Testing

struct MembershipTests {
    @Test func `workers see each other until they retire, fall silent or are forgotten`() throws {
        let bench = try Bench()
        let mine = try bench.queue("mine")
        let other = try bench.queue("other")
        let time =
            try #require(try bench.redis("TIME").array?[0].text.flatMap { Int64($0) }) * 1_000
        try bench.redis("ZADD", "trunkline:workers", "\(time - 20_000)", "silent")
        try bench.redis("ZADD", "trunkline:workers", "\(time - 70_000)", "forgotten")

        _ = try bench.value { other.heartbeat(completion: $0) }
        let seen = try bench.value { mine.heartbeat(completion: $0) }
        #expect(seen == Membership(alive: [mine.incarnation, other.incarnation], controlEpoch: 0))
        #expect(try bench.redis("ZSCORE", "trunkline:workers", "forgotten") == .null)
        #expect(try bench.redis("ZSCORE", "trunkline:workers", "silent") != .null)

        try bench.value { other.retire(completion: $0) }
        #expect(try bench.value { mine.heartbeat(completion: $0) }.alive == [mine.incarnation])
    }

    @Test func `a change of the controls shows in the next heartbeat`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let client = try bench.server.client()
        #expect(try client.bumpControl(reason: "paused") == 1)
        #expect(try client.bumpControl(reason: "resumed") == 2)
        #expect(try bench.value { queue.heartbeat(completion: $0) }.controlEpoch == 2)
        try client.retire(queue.incarnation)
        #expect(try bench.redis("ZCARD", "trunkline:workers") == .integer(0))
    }

    @Test func `facts tell one server from another`() throws {
        let bench = try Bench(["--maxmemory", "100mb", "--stream-node-max-bytes", "1024"])
        let queue = try bench.queue()
        let facts = try bench.value { queue.prepare(completion: $0) }
        #expect(facts.runID.count == 40)
        #expect(facts.version.hasPrefix("7."))
        #expect(facts.maxMemory == 104_857_600)
        #expect(facts.usedMemory > 0)
        #expect(facts.maxMemoryPolicy == "noeviction")
        #expect(facts.appendOnly == false)
        #expect(facts.streamNodeMaxBytes == 1_024)
        #expect(try bench.server.client().facts().runID == facts.runID)
        let groups = try bench.redis("XINFO", "GROUPS", "trunkline:{intake}:bulk")
        #expect(groups.array?.count == 1)

        bench.server.kill()
        try bench.server.start()
        #expect(try bench.server.client().facts().runID != facts.runID)
    }

    @Test func `facts come without CONFIG too`() throws {
        let bench = try Bench(["--rename-command", "CONFIG", ""])
        let queue = try bench.queue()
        #expect(try bench.value { queue.prepare(completion: $0) }.streamNodeMaxBytes == nil)
        #expect(try bench.server.client().facts().streamNodeMaxBytes == nil)
    }
}
