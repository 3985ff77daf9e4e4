internal import DeliveryCore
internal import EventLoop
internal import Logging
internal import PostgresStore
internal import RedisQueue

/// What Redis has lost: found, and brought back from PostgreSQL.
extension WorkerProcess {
    /// Partitions that are taken together are rebuilt together: the record is read once for all.
    static let rebuildDelay: Duration = .milliseconds(50)
    static let newestActivityInterval: Duration = .seconds(5)

    /// Redis first: as long as the epoch is still ours after that, nobody else has found it whole.
    func examine(_ lease: OwnedLease) {
        queue.examine(lease.partition) { [weak self] result in
            switch result {
            case .success(let seen): self?.examine(lease, seen.mark, by: seen.process)
            case .failure(let failure):
                self?.complain(.examine, failure)
                self?.occur(.ownershipFailed(lease.partition))
            }
        }
    }

    private func examine(_ lease: OwnedLease, _ mark: PartitionMark?, by process: String) {
        let partition = lease.partition
        store.loadPartitions([partition]) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let rows):
                guard let row = rows.first else { return occur(.ownershipFailed(partition)) }
                guard row.epoch == lease.epoch else { return occur(.fenced(lease)) }
                findings[partition] = RebuildRun.Finding(
                    generation: row.record.generation, process: process)
                let condition = PartitionCondition(mark, by: process, record: row.record)
                occur(.examined(partition, condition))
            case .failure(let failure):
                complain(.examine, failure)
                occur(.ownershipFailed(partition))
            }
        }
    }

    func rebuild(_ lease: OwnedLease, after activity: ActivityID?) {
        guard let finding = findings[lease.partition] else {
            return occur(.ownershipFailed(lease.partition))
        }
        toRebuild.append(RebuildRun.Part(lease: lease, after: activity, finding: finding))
        if rebuildTimer == nil { rebuildTimer = loop.timer { [weak self] in self?.beginRebuild() } }
        if rebuilding == nil, toRebuild.count == 1 {
            rebuildTimer?.start(after: Self.rebuildDelay)
        }
    }

    private func beginRebuild() {
        guard rebuilding == nil, !toRebuild.isEmpty else { return }
        let parts = toRebuild
        toRebuild.removeAll()
        let began = EventLoop.now
        let run = RebuildRun(parts, store: store, queue: queue) { [weak self] report in
            guard let self else { return }
            rebuilding = nil
            finished(report, parts, since: began)
            beginRebuild()
        }
        rebuilding = run
        run.start()
    }

    private func finished(
        _ report: RebuildRun.Report, _ parts: [RebuildRun.Part], since began: Instant
    ) {
        for lease in report.fenced { occur(.fenced(lease)) }
        switch report.result {
        case .success(let through):
            for part in report.whole { occur(.rebuilt(part.lease, through: through)) }
            tell(report, parts, took: EventLoop.now - began)
        case .failure(let failure):
            complain(.rebuild, failure)
            for part in parts where !report.fenced.contains(part.lease) {
                occur(.ownershipFailed(part.lease.partition))
            }
        }
    }

    private func tell(_ report: RebuildRun.Report, _ parts: [RebuildRun.Part], took: Duration) {
        guard !report.whole.isEmpty else { return }
        recorder.rebuilt(partitions: report.whole.count, deliveries: report.deliveries)
        let line = """
            Redis had lost, or may have lost, something of \(parts.count) partitions: what they owe was \
            brought back from PostgreSQL, \(report.deliveries) deliveries of \(report.activities) \
            activities, in \(took.wholeMilliseconds) ms
            """
        report.deliveries > 0 ? log.warning("\(line)") : log.info("\(line)")
    }

    /// With every heartbeat: marks tell how far Redis was seen to be whole.
    func lookForNewestActivity() {
        let now = EventLoop.now
        guard isPostgresUp, now >= newestActivityDue else { return }
        newestActivityDue = now + Self.newestActivityInterval
        store.newestActivity { [weak self] result in
            switch result {
            // Of the time when it was asked for: what has come since is newer.
            case .success(let activity): self?.newestActivities.note(activity, at: now)
            case .failure(let failure): self?.complain(.newestActivity, failure)
            }
        }
    }
}

/// The newest activity, as it was some time ago.
///
/// An activity is numbered, committed and routed within moments, but not in one: so long after its
/// number was given it is on its way through Redis, or its expander holds on to it.
struct NewestActivities {
    static let age: Duration = .seconds(60)

    private var seen: [(activity: ActivityID, at: Instant)] = []

    mutating func note(_ activity: ActivityID, at now: Instant) {
        seen.append((activity, now))
        // The one that is old enough, and those that will be.
        let old = seen.lastIndex { now - $0.at >= Self.age } ?? 0
        seen.removeFirst(old)
    }

    /// nil: nobody has asked so long ago.
    func old(at now: Instant) -> ActivityID? {
        seen.last { now - $0.at >= Self.age }?.activity
    }
}
