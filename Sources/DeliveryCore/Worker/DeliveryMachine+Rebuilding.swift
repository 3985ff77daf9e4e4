/// What Redis has lost of a partition comes back from PostgreSQL, which knows all that is owed.
///
/// Only an owner rebuilds, before it reads the log: a new one always looks, and one whose
/// connection was lost looks again, because there may be another Redis behind it. It then hands the
/// partition back to itself: what is in flight is finished and recorded, and the rest is read anew.
/// What is rebuilt may stand in Redis twice for a while, or be in somebody's hands: it is flagged, and
/// PostgreSQL is asked before it is sent.
extension DeliveryMachine {
    mutating func enter(
        _ partition: PartitionNumber, _ step: PartitionTable.EntryStep, _ epoch: Epoch,
        deadline: Instant
    ) {
        partitions[partition] = .entering(step, epoch, deadline: deadline)
        switch step {
        case .examining: emit(.examine(OwnedLease(partition: partition, epoch: epoch)))
        case .loading: emit(.loadBacklog(partition))
        // The answer to the examination says from where on.
        case .rebuilding: break
        }
    }

    mutating func examined(_ partition: PartitionNumber, _ condition: PartitionCondition) {
        switch partitions[partition] {
        case .entering(.examining, let epoch, let deadline):
            let lease = OwnedLease(partition: partition, epoch: epoch)
            switch condition {
            case .whole(let activity):
                enter(
                    partition, .loading(rebuilt: activity, isNew: false), epoch, deadline: deadline)
            case .rolledBack(let activity):
                enter(partition, .rebuilding, epoch, deadline: deadline)
                emit(.rebuild(lease, after: activity))
            case .lost:
                enter(partition, .rebuilding, epoch, deadline: deadline)
                emit(.rebuild(lease, after: nil))
            }
        case .owned(let owned) where !condition.isWhole: beginYield(partition, owned)
        case .owned(let owned) where owned.examinationDue != nil:
            partitions.update(partition) { $0.examinationDue = nil }
            if let readingLogs, readingLogs[partition] == nil { emit(.interruptLogRead) }
        case .takingLease, .takingEpoch, .sealing, .entering, .owned, .yielding, .releasing, nil:
            countStale()
        }
    }

    mutating func rebuilt(_ lease: OwnedLease, through activity: ActivityID) {
        guard case .entering(.rebuilding, lease.epoch, let deadline) = partitions[lease.partition]
        else { return countStale() }
        enter(
            lease.partition, .loading(rebuilt: activity, isNew: true), lease.epoch,
            deadline: deadline)
    }

    /// Redis may be another, or somebody asks: all that we own is looked at, and what is being
    /// rebuilt is begun anew. Until then no log is read on: what a predecessor went to before Redis
    /// went back in time, this owner does not know.
    mutating func doubtPartitions() {
        abandonEntering()
        for cursor in partitions.cursors {
            partitions.update(cursor.partition) { $0.examinationDue = now }
        }
    }

    /// Nothing may come of it; then it is asked again.
    mutating func examineDoubted() {
        guard isPostgresUp else { return }
        for lease in partitions.examinable(at: now) {
            partitions.update(lease.partition) {
                $0.examinationDue = now + configuration.leaseTime
            }
            emit(.examine(lease))
        }
    }
}
