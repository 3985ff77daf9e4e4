@testable import DeliveryCore
import Testing

@Suite struct SettlementTests {
    let start = Instant(nanoseconds: 1_000_000_000)
    let configuration = {
        var configuration = WorkerConfiguration()
        configuration.flushCount = 3
        return configuration
    }()

    static func lease(_ partition: PartitionNumber) -> OwnedLease? {
        OwnedLease(partition: partition, epoch: Epoch(rawValue: Int64(partition.rawValue) + 10))
    }

    static func delivered(
        _ activity: ActivityID, _ inbox: InboxID, partition: PartitionNumber = 0,
        state: OutcomeState = .delivered
    ) -> Settlement.Result {
        Settlement.Result(
            delivery: DeliveryIndex(rawValue: Int(inbox.rawValue)), partition: partition,
            end: .outcome(state, activity, inbox))
    }

    // MARK: When

    static func report(_ host: HostID, _ cause: String) -> FlushBatch.HostReport {
        FlushBatch.HostReport(
            host: host, partition: 0, state: .closed, window: 4,
            condition: HostCondition(cause: cause))
    }

    @Test func `nothing to write is never due`() {
        #expect(Settlement().due(configuration, isIdle: true) == nil)
        #expect(Settlement().isEmpty)
    }

    @Test func `few results wait their time, counted from the oldest`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        settlement.record(Self.delivered(1, 12), at: start + .milliseconds(40))
        #expect(settlement.due(configuration, isIdle: false) == start + .milliseconds(100))
        #expect(settlement.unsettled == 2)
    }

    @Test func `enough results are due at once`() {
        var settlement = Settlement()
        for inbox in [11, 12, 13] as [InboxID] {
            settlement.record(Self.delivered(1, inbox), at: start)
        }
        #expect(settlement.due(configuration, isIdle: false) == start)
    }

    @Test func `with nothing else going on one result is due at once`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        #expect(settlement.due(configuration, isIdle: true) == start)
    }

    @Test func `a report on a host alone is written too`() {
        var settlement = Settlement()
        settlement.record(
            Self.report(2, "timed-out"), at: start)
        #expect(settlement.due(configuration, isIdle: false) == start + .milliseconds(100))
        let (id, batch) = settlement.begin(lease: Self.lease)
        #expect(batch.hosts.map(\.condition.cause) == ["timed-out"])
        #expect(batch.fences == [Self.lease(0)])
        #expect(!settlement.isEmpty)
        #expect(settlement.committed(id) == [])
        #expect(settlement.isEmpty)
    }

    // MARK: One at a time

    @Test func `what comes during a flush waits for the next`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        let (first, _) = settlement.begin(lease: Self.lease)
        for inbox in [12, 13, 14] as [InboxID] {
            settlement.record(Self.delivered(1, inbox), at: start)
        }
        #expect(settlement.due(configuration, isIdle: true) == nil)
        #expect(settlement.unsettled == 4)
        #expect(settlement.committed(first)?.count == 1)
        #expect(settlement.due(configuration, isIdle: false) == start)
        let (second, batch) = settlement.begin(lease: Self.lease)
        #expect(second.rawValue > first.rawValue)
        #expect(batch.outcomes.map(\.inboxes) == [[12, 13, 14]])
    }

    @Test func `a commit of another flush settles nothing`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        let (id, _) = settlement.begin(lease: Self.lease)
        #expect(settlement.committed(FlushID(rawValue: id.rawValue + 1)) == nil)
        #expect(settlement.unsettled == 1)
        #expect(settlement.committed(id)?.count == 1)
        #expect(settlement.committed(id) == nil)
    }

    // MARK: Failing

    @Test func `a failed flush goes again under its own number after the pause`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        let (id, batch) = settlement.begin(lease: Self.lease)
        settlement.record(Self.delivered(1, 12), at: start)
        #expect(settlement.retryDue() == nil)
        settlement.failed(id, at: start, pause: .milliseconds(500))
        #expect(settlement.retryDue() == start + .milliseconds(500))
        #expect(settlement.due(configuration, isIdle: true) == nil)
        let repeated = settlement.repeatFlush(lease: Self.lease)
        #expect(repeated?.0 == id)
        #expect(repeated?.1 == batch)
        #expect(settlement.repeatFlush(lease: Self.lease) == nil)
        #expect(settlement.committed(id)?.count == 1)
        #expect(settlement.due(configuration, isIdle: true) == start)
    }

    /// One whose commit nobody has heard of may be on record, so it must not be another flush.
    @Test func `a fenced flush goes again without the lost partition, as the same flush`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11, partition: 0), at: start)
        settlement.record(Self.delivered(1, 21, partition: 1), at: start)
        let (fenced, first) = settlement.begin(lease: Self.lease)
        #expect(first.fences == [Self.lease(0), Self.lease(1)])
        settlement.record(Self.delivered(1, 22, partition: 1), at: start)
        settlement.record(Self.delivered(1, 12, partition: 0), at: start)
        settlement.failed(fenced, at: start, pause: .milliseconds(500))
        #expect(settlement.repeatFlush(lease: Self.lease)?.0 == fenced)
        settlement.drop(1)
        settlement.refence(fenced, at: start + .seconds(1))
        #expect(settlement.due(configuration, isIdle: true) == nil)
        #expect(settlement.retryDue() == start + .seconds(1))
        let again = settlement.repeatFlush(lease: Self.lease)
        #expect(again?.0 == fenced)
        #expect(again?.1.fences.map(\.partition) == [0])
        #expect(again?.1.outcomes.map(\.inboxes) == [[11]])
        #expect(settlement.committed(fenced)?.count == 1)
        let (next, batch) = settlement.begin(lease: Self.lease)
        #expect(next.rawValue > fenced.rawValue)
        #expect(batch.outcomes.map(\.inboxes) == [[12]])
    }

    @Test func `a fenced flush of which nothing is left is over`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        let (fenced, _) = settlement.begin(lease: Self.lease)
        settlement.drop(0)
        settlement.refence(fenced, at: start)
        #expect(settlement.retryDue() == nil)
        #expect(settlement.isEmpty)
        settlement.record(Self.delivered(2, 21, partition: 1), at: start)
        #expect(settlement.due(configuration, isIdle: true) == start)
    }

    @Test func `a fenced flush keeps its reports, later ones of a host come after them`() {
        var settlement = Settlement()
        for host in [1, 2] as [HostID] {
            settlement.record(Self.report(host, "old"), at: start)
        }
        let (fenced, _) = settlement.begin(lease: Self.lease)
        settlement.record(Self.report(2, "new"), at: start)
        settlement.refence(fenced, at: start)
        let again = settlement.repeatFlush(lease: Self.lease)
        #expect(again?.1.hosts.map(\.condition.cause) == ["old", "old"])
        _ = settlement.committed(fenced)
        let (_, batch) = settlement.begin(lease: Self.lease)
        #expect(batch.hosts.map(\.host) == [2])
        #expect(batch.hosts.map(\.condition.cause) == ["new"])
    }

    @Test func `a dropped partition leaves nothing that would be due`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11), at: start)
        settlement.drop(0)
        #expect(settlement.isEmpty)
        #expect(settlement.due(configuration, isIdle: true) == nil)
    }

    // MARK: What

    @Test func `one row an activity and state, whatever the partitions`() {
        var settlement = Settlement()
        settlement.record(Self.delivered(1, 11, partition: 0), at: start)
        settlement.record(Self.delivered(2, 11, partition: 0), at: start)
        settlement.record(Self.delivered(1, 21, partition: 1), at: start)
        settlement.record(Self.delivered(1, 12, partition: 0, state: .expired), at: start)
        settlement.record(Self.delivered(2, 21, partition: 1), at: start)
        let (_, batch) = settlement.begin(lease: Self.lease)
        #expect(
            batch.outcomes.map {
                "\($0.activity.rawValue) \($0.state) \($0.inboxes.map(\.rawValue))"
            }
                == ["1 delivered [11, 21]", "2 delivered [11, 21]", "1 expired [12]"])
        #expect(batch.fences == [Self.lease(0), Self.lease(1)])
    }

    @Test func `failures are dead letters, waiting ones leave only their attempt`() {
        var settlement = Settlement()
        let attempt = FlushBatch.Attempt(
            activity: 1, inbox: 11, at: WallTime(milliseconds: 4), number: 1,
            reason: "server-error", status: 500,
            duration: .zero, detail: "HTTP 500", excerpt: [])
        let failure = FlushBatch.Failure(
            activity: 1, inbox: 12, reason: "rejected", status: 400, detail: "HTTP 400")
        let ends: [(InboxID, Settlement.End, FlushBatch.Attempt?)] = [
            (11, .later(.init(pointer: pointer(1, 11), due: WallTime(milliseconds: 5))), attempt),
            (12, .failed(failure), nil),
            (13, .held(1, pointer(1, 13), atHead: true), nil),
        ]
        for (inbox, end, attempt) in ends {
            settlement.record(
                Settlement.Result(
                    delivery: DeliveryIndex(rawValue: Int(inbox.rawValue)), partition: 0, end: end,
                    attempt: attempt), at: start)
        }
        let (_, batch) = settlement.begin(lease: Self.lease)
        #expect(batch.outcomes.isEmpty)
        #expect(batch.attempts == [attempt])
        #expect(batch.failures == [failure])
        #expect(batch.fences == [Self.lease(0)])
    }
}
