import DeliveryCore
import RedisQueue
import Testing

/// Hints that a host was seen alive.
struct SeenAliveTests {
    private let longAgo = WallTime(milliseconds: 0)

    @Test func `each hint is read once, in lower case, and what is none is passed over`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        #expect(try bench.value { queue.readSeenAlive(since: longAgo, completion: $0) } == [])
        try bench.redis("XADD", "trunkline:alive", "*", "host", "H1.example")
        try bench.redis("XADD", "trunkline:alive", "*", "name", "h2.example")
        try bench.server.client().hint(seenAlive: ["h3.example", "h3.example"])
        #expect(
            try bench.value { queue.readSeenAlive(since: longAgo, completion: $0) }
                == ["h1.example", "h3.example"])
        #expect(try bench.value { queue.readSeenAlive(since: longAgo, completion: $0) } == [])
    }

    @Test func `one that starts leaves old hints alone`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        try bench.redis("XADD", "trunkline:alive", "1000-0", "host", "h1.example")
        try bench.redis("XADD", "trunkline:alive", "3000-0", "host", "h2.example")
        let since = WallTime(milliseconds: 2_000)
        #expect(
            try bench.value { queue.readSeenAlive(since: since, completion: $0) }
                == ["h2.example"])
    }

    @Test func `producers need not trim`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let client = try bench.server.client()
        let many = Array(repeating: "h1.example", count: 2 * RedisQueue.keptHints)
        try client.hint(seenAlive: many)
        try bench.value { queue.trimSeenAlive(completion: $0) }
        let kept = try #require(try bench.redis("XLEN", "trunkline:alive").integer)
        #expect(kept < Int64(RedisQueue.keptHints) + 1_000)
    }
}
