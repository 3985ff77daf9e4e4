import DeliveryCore
import Testing

/// Most of many are silent at once: it is us.
@Suite struct ConnectivityTests {
    var connectivity = Connectivity()
    var now = Instant(nanoseconds: 0)

    private mutating func hear(_ hosts: ClosedRange<Int32>, isAnswer: Bool) {
        now = now + .milliseconds(1)
        for host in hosts {
            connectivity.heard(HostID(rawValue: host), isAnswer: isAnswer, sent: now, at: now)
        }
    }

    /// It has looked like that for long enough.
    private mutating func leave() -> [HostID]? {
        guard connectivity.leave(at: now) == nil else { return nil }
        now = now + Connectivity.suspicionTime
        return connectivity.leave(at: now)
    }

    @Test mutating func `silence of what was sent before an answer is no evidence`() {
        let sent = now
        hear(1...4, isAnswer: true)
        for host in 5...12 as ClosedRange<Int32> {
            connectivity.heard(HostID(rawValue: host), isAnswer: false, sent: sent, at: now)
        }
        #expect(leave() == nil)
    }

    @Test mutating func `more than half of ten hosts are silent`() {
        hear(1...4, isAnswer: true)
        hear(5...10, isAnswer: false)
        #expect(leave() == [5, 6, 7, 8, 9, 10])
        #expect(connectivity.isAway)
    }

    @Test mutating func `half of them is not enough, nor are all of nine`() {
        hear(1...5, isAnswer: true)
        hear(6...10, isAnswer: false)
        #expect(leave() == nil)
        connectivity = Connectivity()
        hear(1...9, isAnswer: false)
        #expect(leave() == nil)
    }

    @Test mutating func `the newest word of a host counts, and no answer for longer than its time`()
    {
        hear(1...10, isAnswer: false)
        hear(1...5, isAnswer: true)
        #expect(leave() == nil)
        now = now + Connectivity.memory + .milliseconds(1)
        hear(11...20, isAnswer: false)
        #expect(leave()?.count == 10)
    }

    @Test mutating func `silence lasts until it is contradicted, or for five minutes`() {
        hear(1...5, isAnswer: false)
        now = now + Connectivity.memory * 2
        #expect(leave() == nil)
        hear(6...10, isAnswer: false)
        #expect(leave()?.count == 10)

        connectivity = Connectivity()
        hear(1...5, isAnswer: false)
        now = now + Connectivity.memory * 2
        #expect(leave() == nil)
        hear(11...11, isAnswer: true)
        hear(6...10, isAnswer: false)
        #expect(leave() == nil)

        connectivity = Connectivity()
        hear(1...5, isAnswer: false)
        now = now + Connectivity.memory * 2
        #expect(leave() == nil)
        now = now + Connectivity.silenceMemory
        hear(6...10, isAnswer: false)
        #expect(leave() == nil)
    }

    @Test mutating func `thousands of lasting silences are no burden`() {
        for host in 1...1_000 as ClosedRange<Int32> {
            hear(host...host, isAnswer: false)
            now = now + .milliseconds(250)
        }
        #expect((100...Connectivity.mostHosts).contains(leave()?.count ?? 0))
    }

    @Test mutating func `refusals that come before the answers are no alarm`() {
        hear(1...20, isAnswer: false)
        #expect(connectivity.leave(at: now) == nil)
        now = now + .seconds(1)
        hear(21...60, isAnswer: true)
        #expect(connectivity.leave(at: now) == nil)
        now = now + .seconds(2)
        #expect(connectivity.leave(at: now) == nil)
    }

    @Test mutating func `thousands of answers of before do not hide it`() {
        hear(1...3_000, isAnswer: true)
        hear(1...65, isAnswer: false)
        #expect(leave()?.count == 65)
    }

    @Test mutating func `an answer to what was sent before ends nothing`() {
        hear(1...10, isAnswer: false)
        _ = leave()
        let before = Instant(nanoseconds: 0)
        #expect(connectivity.answered(sent: before, at: now + .seconds(5)) == nil)
        #expect(connectivity.isAway)
        #expect(connectivity.answered(sent: now, at: now + .seconds(5)) == .seconds(5))
        #expect(!connectivity.isAway)
    }

    @Test mutating func `what was sent in it is excused for as long as it may take to fail`() {
        hear(1...10, isAnswer: false)
        _ = leave()
        let sent = now
        now = now + .seconds(5)
        _ = connectivity.answered(sent: sent, at: now)
        #expect(connectivity.excuses(sent: sent))
        #expect(!connectivity.excuses(sent: now))
    }

    @Test mutating func `an alarm that the first canaries refute makes the next one wait`() {
        hear(1...10, isAnswer: false)
        _ = leave()
        _ = connectivity.answered(sent: now, at: now)
        hear(1...10, isAnswer: false)
        #expect(leave() == nil)
        now = now + Connectivity.doubtTime
        hear(1...10, isAnswer: false)
        #expect(connectivity.leave(at: now)?.count == 10)
    }
}
