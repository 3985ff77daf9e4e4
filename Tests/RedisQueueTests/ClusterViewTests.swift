import Testing

@testable import RedisQueue

struct ClusterViewTests {
    private func address(_ port: Int) -> ServerAddress { .tcp(host: "10.0.0.1", port: port) }

    private func map(_ ranges: [(Int64, Int64, Int64)]) throws -> SlotMap {
        try SlotMap(
            .array(
                ranges.map { first, last, port in
                    .array([
                        .integer(first), .integer(last),
                        .array([.bytes(Array("10.0.0.1".utf8)), .integer(port)]),
                    ])
                }), asked: address(1))
    }

    @Test(arguments: [
        ("", 0), ("foo", 12_182), ("123456789", 12_739), ("{user1000}.following", 3_443),
        ("{user1000}.followers", 3_443), ("foo{}{bar}", 8_363), ("foo{{bar}}zap", 4_015),
        ("foo{bar}{zap}", 5_061), ("trunkline:{intake}:normal", 3_714),
    ])
    func `a key's slot is the one that Redis says`(key: String, slot: Int) {
        #expect(Slot(key: Array(key.utf8)).number == slot)
    }

    @Test func `a command goes where its first key is, and any other to anybody`() {
        let slot = Slot(key: Array("k".utf8))
        for words in [
            ["GET", "k"], ["XADD", "k", "*", "a", "b"], ["EVALSHA", "abc", "1", "k", "other"],
            ["EVAL", "return 1", "1", "k"], ["XREAD", "COUNT", "1", "STREAMS", "k", "0"],
            ["XREADGROUP", "GROUP", "g", "c", "BLOCK", "1", "STREAMS", "k", ">"],
            ["XINFO", "GROUPS", "k"], ["MEMORY", "USAGE", "k"], ["xadd", "k", "*", "a", "b"],
        ] {
            #expect(RedisCommand(words: words.map { Array($0.utf8) }).slot == slot, "\(words)")
        }
        for words in [["PING"], ["EVAL", "return 1", "0", "k"], ["PUBLISH", "k", "x"], ["TIME"]] {
            #expect(RedisCommand(words: words.map { Array($0.utf8) }).slot == nil, "\(words)")
        }
        #expect(RedisCommand().slot == nil)
    }

    @Test func `a read that waits becomes one that does not`() {
        let waiting = RedisCommand("XREAD", "COUNT", "5", "BLOCK", "1000", "STREAMS", "k", "0")
        #expect(
            waiting.withoutBlocking == RedisCommand("XREAD", "COUNT", "5", "STREAMS", "k", "0"))
        #expect(waiting.withoutBlocking.withoutBlocking == waiting.withoutBlocking)
    }

    @Test(arguments: [
        ("MOVED 3999 10.0.0.2:6381", "10.0.0.2", 6_381), ("MOVED 3999 :6381", "10.0.0.1", 6_381),
        ("MOVED 3999 ?:6381", "10.0.0.1", 6_381), ("MOVED 3999 fe80::1:6381", "fe80::1", 6_381),
    ])
    func `a redirection names a slot and a node`(text: String, host: String, port: Int) throws {
        let slot = try #require(Slot(number: 3_999))
        #expect(
            Redirection(.refused(text), asked: address(1))
                == .moved(slot, to: .tcp(host: host, port: port)))
        let ask = text.replacing("MOVED", with: "ASK")
        #expect(
            Redirection(.refused(ask), asked: address(1)) == .ask(.tcp(host: host, port: port)))
    }

    @Test(arguments: ["MOVED", "MOVED 1", "MOVED 16384 a:1", "MOVED 1 a", "ASK 1 a:x", "ERR no"])
    func `anything else is no redirection`(text: String) {
        #expect(Redirection(.refused(text), asked: address(1)) == nil)
    }

    @Test func `a map is taken whole, from whoever is served, and not from the past`() throws {
        let old = try map([(0, 8_191, 1), (8_192, 16_383, 2)])
        let new = try map([(0, 8_191, 1), (8_192, 16_383, 3)])
        var view = ClusterView()
        let first = view.heard(ClusterSurvey(isServing: true, epoch: 4, map: old), from: address(1))
        #expect(first)
        #expect(!view.isServing, "the other primary has said nothing")
        _ = view.heard(ClusterSurvey(isServing: true, epoch: 4, map: old), from: address(2))
        #expect(view.isServing)
        let second = view.heard(
            ClusterSurvey(isServing: true, epoch: 5, map: new), from: address(1))
        #expect(second)
        #expect(!view.isServing)
        let third = view.heard(
            ClusterSurvey(isServing: true, epoch: 4, map: old), from: address(2))
        #expect(!third)
        let fourth = view.heard(
            ClusterSurvey(isServing: false, epoch: 6, map: old), from: address(2))
        #expect(!fourth)
        #expect(view.map == new)
        let hole = try map([(0, 100, 1)])
        let fifth = view.heard(
            ClusterSurvey(isServing: true, epoch: 9, map: hole), from: address(1))
        #expect(!fifth)
    }

    @Test func `a slot that has moved is followed at once`() throws {
        var view = ClusterView()
        _ = view.heard(
            ClusterSurvey(isServing: true, epoch: 1, map: try map([(0, 16_383, 1)])),
            from: address(1))
        let slot = try #require(Slot(number: 7))
        let isNews = view.moved(slot, to: address(2))
        let isNewsAgain = view.moved(slot, to: address(2))
        #expect(isNews && !isNewsAgain)
        #expect(view.map[slot] == address(2))
        #expect(!view.isServing)
    }

    @Test func `what is no map is refused`() {
        for reply: RedisReply in [
            .null, .array([.integer(1)]), .array([.array([.integer(0), .integer(16_384)])]),
            .array([.array([.integer(5), .integer(1), .array([.bytes([]), .integer(1)])])]),
            .array([.array([.integer(0), .integer(-1), .array([.bytes([]), .integer(1)])])]),
        ] {
            #expect(throws: RedisFailure.self) { try SlotMap(reply, asked: address(1)) }
        }
    }
}
