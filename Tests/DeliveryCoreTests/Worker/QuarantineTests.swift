import Testing

@testable import DeliveryCore

/// An activity that is set aside, because workers crashed with it in hand.
@Suite struct QuarantineTests {
    private static let why = "3 workers crashed with it in hand"

    private static func owning(setAside: ActivityID) -> Trace {
        var trace = Trace.owning()
        trace.activities[setAside] = .ordered(in: trace, quarantine: why)
        return trace
    }

    @Test func `its deliveries fail with the reason, and nothing of it is sent`() throws {
        var trace = Self.owning(setAside: 7)
        let actions = trace.admit(.fanout(1, 7, to: [11, 12]))
        #expect(actions.sends.isEmpty)
        let batch = try #require(actions.flushes.first).batch
        #expect(batch.outcomes.isEmpty && batch.attempts.isEmpty)
        #expect(batch.failures.map(\.inbox) == [11, 12])
        #expect(batch.failures.allSatisfy { $0.activity == 7 && $0.reason == "quarantined" })
        #expect(batch.failures.allSatisfy { $0.detail == Self.why && $0.status == nil })
        let committed = try trace.commit()
        #expect(committed.steps == ["forget", "resolve"])
        #expect(committed.resolves[0].resolutions.allSatisfy { $0.holds.isEmpty })
    }

    @Test func `others of the same log entry, host and object go on`() throws {
        var trace = Self.owning(setAside: 7)
        trace.activities[8] = .ordered(in: trace)
        let actions = trace.admit(.pointers(1, pointer(7, 11), pointer(8, 11)))
        #expect(actions.sends.map(\.activity) == [8])
        let flushes = trace.live(.milliseconds(100)).flushes
        #expect(try #require(flushes.first).batch.failures.map(\.activity) == [7])
    }

    @Test func `what had an end is not failed, and its successor does not wait`() throws {
        var trace = Self.owning(setAside: 7)
        trace.activities[8] = .ordered(in: trace)
        let read = trace.read(.pointers(1, pointer(7, 11), pointer(8, 11)))
        let actions = trace.answer(try #require(read.preparations.first), settled: [7: [11]])
        #expect(actions.sends.map(\.activity) == [8])
        #expect(actions.flushes.isEmpty)
    }

    @Test func `a release is seen by whatever is read next, though others are not flushed yet`()
        throws
    {
        var trace = Self.owning(setAside: 7)
        #expect(trace.admit(.fanout(1, 7, to: [11])).sends.isEmpty)
        trace.activities[7]?.quarantine = nil
        let actions = trace.admit(.fanout(2, 7, to: [12], again: true))
        #expect(actions.sends.map(\.url) == [InboxID(rawValue: 12).url])
    }

    @Test func `what a worker has open already it tries on`() throws {
        var trace = Trace.owning()
        let first = trace.admit(.fanout(1, 7, to: [11])).sends
        #expect(first.count == 1)
        trace.activities[7] = .ordered(in: trace, quarantine: Self.why)
        // It knows the activity and has no reason to ask for it again.
        let read = trace.read(.fanout(2, 7, to: [12]))
        #expect(read.preparations.map(\.request.activities) == [[]])
    }
}

extension PreparedFacts.Activity {
    fileprivate static func ordered(in trace: Trace, quarantine: String? = nil) -> Self {
        Self(
            lane: .normal, stored: trace.wall, expires: nil, size: 1, order: OrderKey(rawValue: 5),
            quarantine: quarantine)
    }
}
