import Testing

@testable import RedisQueue

struct SentinelCouncilTests {
    private let old = SentinelAnswer(primary: .tcp(host: "a", port: 1), epoch: 4)
    private let new = SentinelAnswer(primary: .tcp(host: "b", port: 2), epoch: 5)

    @Test func `the first answer is followed, and what most say after it`() {
        var council = SentinelCouncil(sentinels: 3)
        let steps = [
            council.heard(old, from: 0), council.heard(old, from: 1), council.heard(new, from: 2),
            council.heard(new, from: 0),
        ]
        #expect(steps == [true, false, false, true])
        #expect(council.followed == new)
    }

    @Test func `without a majority the newest epoch is followed`() {
        var council = SentinelCouncil(sentinels: 3)
        let steps = [council.heard(old, from: 0), council.heard(new, from: 2)]
        #expect(steps == [true, true])
        let wentBack = council.heard(old, from: 0)
        #expect(!wentBack)
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

    @Test func `sentinels that were set up anew are believed although one is away`() {
        var council = SentinelCouncil(sentinels: 3)
        let reset = SentinelAnswer(primary: old.primary, epoch: 0)
        for sentinel in 0..<3 { _ = council.heard(new, from: sentinel) }
        council.lost(2)
        let steps = [council.heard(reset, from: 0), council.heard(reset, from: 1)]
        #expect(steps == [false, true])
        #expect(council.followed == reset)
        // It comes back as it was.
        for _ in 0..<10 {
            let wentBack = council.heard(new, from: 2)
            #expect(!wentBack)
        }
        // Now another one is away: what was outvoted for so long is no news.
        council.lost(1)
        let wentBackAlone = council.heard(new, from: 2)
        #expect(!wentBackAlone)
        #expect(council.followed == reset)
        // A failover of those that were set up anew is.
        let later = SentinelAnswer(primary: .tcp(host: "c", port: 3), epoch: 1)
        let went = council.heard(later, from: 0)
        #expect(went)
    }

    @Test func `who begins meanwhile does not stay with the view of the one that was away`() {
        var council = SentinelCouncil(sentinels: 3)
        let reset = SentinelAnswer(primary: old.primary, epoch: 0)
        let steps = [
            council.heard(new, from: 2), council.heard(reset, from: 0),
            council.heard(reset, from: 1), council.heard(new, from: 2),
        ]
        #expect(steps == [true, false, true, false])
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
