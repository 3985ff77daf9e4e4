import DeliveryCore
import RedisQueue
import Testing

/// What the search for predecessors takes for one, beyond what the conformance suite says.
struct PredecessorTests {
    private let bench: Bench
    private let queue: RedisQueue

    init() throws {
        bench = try Bench()
        queue = try bench.queue()
    }

    private func enqueue(_ fields: (String, String)...) throws -> StreamID {
        try bench.server.client().enqueue(
            .normal, fields: fields.map { (name: $0, value: Array($1.utf8)) })
    }

    private func read(count: Int = 100) throws {
        _ = try bench.value {
            queue.readIntake(count: count, blockMilliseconds: 0, completion: $0)
        }
    }

    private func find(_ questions: (StreamID, String)...) throws -> [Predecessors] {
        try bench.value { done in
            queue.findPredecessors(
                questions.map { PredecessorQuestion(entry: $0, needle: $1) }, in: .normal,
                completion: done)
        }
    }

    @Test func `it looks into the activity and the named object, and nowhere else`() throws {
        let escaped = try enqueue(("activity", #"{"object":"https:\/\/our.example\/n\/77"}"#))
        let named = try enqueue(("activity", "{}"), ("object", "n/77"))
        _ = try enqueue(("activity", "{}"), ("to", #"["https://r.example/77"]"#), ("key", "77"))
        let last = try enqueue(("activity", #"{"object":"https://our.example/n/77"}"#))
        try read()
        #expect(try find((last, "77")) == [.these([escaped, named])])
        // No pattern, and what is empty is everywhere.
        #expect(try find((last, "%d"), (last, "")).map(\.count) == [0, 3])
    }

    @Test func `entries of one millisecond are told apart`() throws {
        for sequence in [0, 2, 9, 10, 11] {
            try bench.redis("XADD", "trunkline:{intake}:normal", "5-\(sequence)", "activity", "x")
        }
        try read()
        let found = try find(
            (StreamID(milliseconds: 5, sequence: 9), "x"),
            (StreamID(milliseconds: 5, sequence: 10), "x"))
        #expect(found.map(\.count) == [2, 3])
    }

    @Test func `one that has gone itself is answered all the same`() throws {
        let first = try enqueue(("activity", "x"))
        let second = try enqueue(("activity", "x"))
        try read()
        try bench.redis("XDEL", "trunkline:{intake}:normal", second.description)
        #expect(try find((second, "x")) == [.these([first])])
        try bench.redis("XDEL", "trunkline:{intake}:normal", first.description)
        #expect(try find((second, "x")) == [.these([])])
    }

    @Test func `nobody waits for what nobody has, but for what is still to be read`() throws {
        let first = try enqueue(("activity", "x"))
        let second = try enqueue(("activity", "x"))
        try read()
        try bench.redis("XACK", "trunkline:{intake}:normal", "expand", first.description)
        #expect(try find((second, "x")) == [.these([])])
        // As after a failover to a replica that has not heard of the last reads.
        try bench.redis("XGROUP", "SETID", "trunkline:{intake}:normal", "expand", "0")
        #expect(try find((second, "x")) == [.these([first])])
    }

    @Test func `megabytes before it are not searched to their end`() throws {
        let body = String(repeating: "a", count: 1 << 20)
        let ids = try (0..<20).map { _ in try enqueue(("activity", body)) }
        try read()
        let found = try find((ids[1], "a"), (ids[19], "a"))
        #expect(found == [.these([ids[0]]), .tooMany])
    }
}

extension Predecessors {
    fileprivate var count: Int? { if case .these(let ids) = self { ids.count } else { nil } }
}
