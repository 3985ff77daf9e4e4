import DeliveryCore
import RedisQueue
import Testing

/// The hint by which a producer may slow down.
struct IntakeStateTests {
    private let key = "trunkline:{intake}:state"

    @Test func `the hint tells each lane's length, whether they shrink, and when`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        for number in 1...3 {
            try bench.redis("XADD", "trunkline:{intake}:bulk", "*", "n", "\(number)")
        }
        try bench.redis("XADD", "trunkline:{intake}:urgent", "*", "n", "1")

        try bench.value { queue.writeIntakeState(isExpanding: true, completion: $0) }
        let words = try #require(try bench.redis("HGETALL", key).array).compactMap(\.text)
        var state: [String: String] = [:]
        for index in stride(from: 0, to: words.count, by: 2) {
            state[words[index]] = words[index + 1]
        }
        let at = try #require(state.removeValue(forKey: "at").flatMap { Int64($0) })
        #expect(state == ["urgent": "1", "normal": "0", "bulk": "3", "expanding": "yes"])
        let now = try #require(try bench.redis("TIME").array?[0].text.flatMap { Int64($0) })
        #expect((0...60).contains(now - at / 1_000))

        try bench.value { queue.writeIntakeState(isExpanding: false, completion: $0) }
        #expect(try bench.redis("HGET", key, "expanding").text == "no")
    }

    @Test func `a hint that nobody renews vanishes`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        try bench.value { queue.writeIntakeState(isExpanding: true, completion: $0) }
        let left = try #require(try bench.redis("PTTL", key).integer)
        #expect((1...RedisQueue.stateTime.wholeMilliseconds).contains(left))
    }

    @Test func `a full Redis takes the hint, which matters most then`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        try bench.redis("CONFIG", "SET", "maxmemory", "1")
        try bench.value { queue.writeIntakeState(isExpanding: false, completion: $0) }
        #expect(try bench.redis("HGET", key, "expanding").text == "no")
    }
}
