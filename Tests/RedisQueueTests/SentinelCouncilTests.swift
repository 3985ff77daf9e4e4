import Testing

@testable import RedisQueue

struct SentinelCouncilTests {
    private let old = SentinelAnswer(primary: .tcp(host: "a", port: 1), epoch: 4)
    private let new = SentinelAnswer(primary: .tcp(host: "b", port: 2), epoch: 5)

    @Test func `the first answer is followed, and a newer epoch after it`() {
        var council = SentinelCouncil(sentinels: 3)
        let steps = [
            council.heard(old, from: 0), council.heard(old, from: 1), council.heard(new, from: 2),
            council.heard(new, from: 0),
        ]
        #expect(steps == [true, false, true, false])
        #expect(council.followed == new)
    }

    @Test func `a sentinel that is cut off with the old primary is not followed back`() {
        var council = SentinelCouncil(sentinels: 3)
        _ = council.heard(new, from: 0)
        let wentBack = council.heard(old, from: 1)
        #expect(!wentBack)
        council.lost(0)
        let wentBackAlone = council.heard(old, from: 1)
        #expect(!wentBackAlone)
        #expect(council.followed == new)
    }

    @Test func `sentinels that were all set up anew are believed`() {
        var council = SentinelCouncil(sentinels: 2)
        let reset = SentinelAnswer(primary: old.primary, epoch: 0)
        let steps = [
            council.heard(new, from: 0), council.heard(new, from: 1),
            council.heard(reset, from: 0), council.heard(reset, from: 1),
        ]
        #expect(steps == [true, false, false, true])
        #expect(council.followed == reset)
    }

    @Test func `an answer is read out of the sentinel's two replies`() throws {
        let facts = RedisReply.array(
            ["name", "m", "ip", "10.0.0.1", "config-epoch", "7"].map { .bytes(Array($0.utf8)) })
        let place = RedisReply.array([.bytes(Array("10.0.0.2".utf8)), .bytes(Array("6379".utf8))])
        #expect(
            try SentinelAnswer([facts, place])
                == SentinelAnswer(primary: .tcp(host: "10.0.0.2", port: 6_379), epoch: 7))
        for wrong in [[facts, .null], [.null, place], [facts], [place, place]] {
            #expect(throws: RedisFailure.self) { try SentinelAnswer(wrong) }
        }
    }
}
