/// The results that wait for their commit, and the one flush that is under way.
///
/// A flush is due when there is enough for one, when the oldest result has waited its time, or when
/// nothing else is going on. One at a time: what comes meanwhile makes the next one larger.
package struct Settlement: Sendable {
    /// How one delivery ended.
    package struct Result: Equatable, Sendable {
        package var delivery: DeliveryIndex
        package var partition: PartitionNumber
        package var end: End
        package var attempt: FlushBatch.Attempt?
        /// The inbox was about to be given up, and took it.
        package var revivesInbox: Bool

        package init(
            delivery: DeliveryIndex, partition: PartitionNumber, end: End,
            attempt: FlushBatch.Attempt? = nil, revivesInbox: Bool = false
        ) {
            self.delivery = delivery
            self.partition = partition
            self.end = end
            self.attempt = attempt
            self.revivesInbox = revivesInbox
        }
    }

    package enum End: Equatable, Sendable {
        case outcome(OutcomeState, ActivityID, InboxID)
        case failed(FlushBatch.Failure)
        case later(Resolution.Later)
        case held(HostID, DeliveryPointer, atHead: Bool)
    }

    package private(set) var pending: [Result] = []
    package private(set) var flushing: (id: FlushID, results: [Result])?
    private var hosts: [HostID: FlushBatch.HostReport] = [:]
    private var flushingHosts: [HostID: FlushBatch.HostReport] = [:]
    private var oldest: Instant?
    private var sequence: Int64 = 0
    /// After a failed flush: not before then.
    private var pausedUntil: Instant?

    package init() {}

    package var unsettled: Int { pending.count + (flushing?.results.count ?? 0) }
    package var isEmpty: Bool { unsettled == 0 && hosts.isEmpty && flushingHosts.isEmpty }

    package mutating func record(_ result: Result, at now: Instant) {
        pending.append(result)
        oldest = oldest ?? now
    }

    package mutating func record(_ report: FlushBatch.HostReport, at now: Instant) {
        hosts[report.host] = report
        oldest = oldest ?? now
    }

    /// When the next flush is due; nil while one is under way or nothing waits.
    package func due(_ configuration: WorkerConfiguration, isIdle: Bool) -> Instant? {
        guard flushing == nil, let oldest else { return nil }
        let full = pending.count >= configuration.flushCount
        let due = full || isIdle ? oldest : oldest + configuration.flushDelay
        return max(due, pausedUntil ?? due)
    }

    /// Starts a flush: what is to be written, under the leases that are still held.
    package mutating func begin(
        lease: (PartitionNumber) -> OwnedLease?
    ) -> (FlushID, FlushBatch) {
        precondition(flushing == nil, "one flush at a time")
        sequence += 1
        let id = FlushID(rawValue: sequence)
        flushing = (id, pending)
        flushingHosts = hosts
        let batch = makeBatch(pending, lease: lease)
        pending.removeAll(keepingCapacity: true)
        hosts.removeAll()
        oldest = nil
        return (id, batch)
    }

    /// The commit is on record. Returns what it settled.
    package mutating func committed(_ id: FlushID) -> [Result]? {
        guard let flushing, flushing.id == id else { return nil }
        self.flushing = nil
        flushingHosts.removeAll()
        pausedUntil = nil
        return flushing.results
    }

    /// Nothing was written, or nobody knows. The same results go again under the same sequence,
    /// so a commit that did happen changes nothing the second time.
    package mutating func failed(_ id: FlushID, at now: Instant, pause: Duration) {
        guard let flushing, flushing.id == id else { return }
        pausedUntil = now + pause
        retry = flushing.id
    }

    /// The flush to repeat, if its pause is over.
    private var retry: FlushID?

    package func retryDue() -> Instant? { retry == nil ? nil : pausedUntil }

    package mutating func repeatFlush(
        lease: (PartitionNumber) -> OwnedLease?
    ) -> (FlushID, FlushBatch)? {
        guard retry != nil, let flushing else { return nil }
        retry = nil
        return (flushing.id, makeBatch(flushing.results, lease: lease))
    }

    /// Drops all results of a partition that is ours no longer: its new owner finds out by itself.
    package mutating func drop(_ partition: PartitionNumber) {
        pending.removeAll { $0.partition == partition }
        flushing?.results.removeAll { $0.partition == partition }
        hosts = hosts.filter { $0.value.partition != partition }
        flushingHosts = flushingHosts.filter { $0.value.partition != partition }
        if pending.isEmpty && hosts.isEmpty { oldest = nil }
    }

    /// What was fenced wrote nothing: it goes again at once, without the lost partitions. Under the
    /// same sequence, because an earlier try may have been committed without our hearing of it.
    package mutating func refence(_ id: FlushID, at now: Instant) {
        guard let flushing, flushing.id == id else { return }
        guard !flushing.results.isEmpty || !flushingHosts.isEmpty else {
            self.flushing = nil
            return
        }
        retry = flushing.id
        pausedUntil = now
    }

    private func makeBatch(
        _ results: [Result], lease: (PartitionNumber) -> OwnedLease?
    ) -> FlushBatch {
        var batch = FlushBatch()
        var rows: [OutcomeKey: Int] = [:]
        var fences: Set<OwnedLease> = []
        for result in results {
            guard let lease = lease(result.partition) else { continue }
            fences.insert(lease)
            if let attempt = result.attempt { batch.attempts.append(attempt) }
            switch result.end {
            case .outcome(let state, let activity, let inbox):
                if result.revivesInbox { batch.revivedInboxes.append(inbox) }
                let key = OutcomeKey(activity: activity, state: state)
                if let row = rows[key] {
                    batch.outcomes[row].inboxes.append(inbox)
                } else {
                    rows[key] = batch.outcomes.count
                    batch.outcomes.append(
                        FlushBatch.Outcome(
                            activity: activity, state: state, epoch: lease.epoch,
                            inboxes: [inbox]))
                }
            case .failed(let failure): batch.failures.append(failure)
            case .later, .held: break
            }
        }
        for report in flushingHosts.values.sorted(by: { $0.host < $1.host }) {
            guard let lease = lease(report.partition) else { continue }
            fences.insert(lease)
            batch.hosts.append(report)
        }
        batch.fences = fences.sorted { $0.partition < $1.partition }
        return batch
    }

    private struct OutcomeKey: Hashable {
        var activity: ActivityID
        var state: OutcomeState
    }
}
