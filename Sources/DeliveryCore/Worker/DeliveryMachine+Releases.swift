/// Back from where deliveries wait: a host's held queue, and `later`.
///
/// Redis moves the pointers into the log by itself, in one script; they are read like any entry.
extension DeliveryMachine {
    mutating func advanceReleases() {
        // Without PostgreSQL the log is not read: what came back would only lie there.
        guard isRedisUp, isPostgresUp, !isDraining else { return }
        if now >= releaseDue {
            releaseDue = now + .milliseconds(250)
            for id in waitingHosts.sorted() { releaseHeld(id) }
        }
        releaseLater()
    }

    /// A backlog comes back in small parts, the next when the last has gone out: it stays in Redis,
    /// however long it is.
    mutating func releaseHeld(_ id: HostID) {
        guard let host = hosts[id], !host.isIdle else {
            waitingHosts.remove(id)
            return
        }
        if let until = host.suspendedUntil, now >= until {
            hosts[id]?.suspendedUntil = nil
            wake(id)
        }
        guard isRedisUp, isPostgresUp, !isDraining, host.held > 0, !host.isReleasing,
            host.queued == 0, !host.isSuspended(at: now), openLimitLeft,
            case .owned(let owned) = partitions[host.partition]
        else { return }
        hosts[id]?.isReleasing = true
        let lease = OwnedLease(partition: host.partition, epoch: owned.epoch)
        emit(.release(lease, id, count: configuration.releaseCount))
    }

    private var openLimitLeft: Bool { deliveries.count < configuration.openLimit }

    mutating func released(
        _ partition: PartitionNumber, _ id: HostID, moved: Int, remaining: Int
    ) {
        guard hosts[id] != nil else { return countStale() }
        hosts[id]?.isReleasing = false
        hosts[id]?.held = remaining
    }

    mutating func releaseFailed(_ partition: PartitionNumber, _ id: HostID) {
        hosts[id]?.isReleasing = false
    }

    /// Something of this partition will be due then.
    mutating func awaitDue(_ due: WallTime, in partition: PartitionNumber) {
        partitions.update(partition) { owned in
            owned.nextDue = min(owned.nextDue ?? due, due)
        }
    }

    private mutating func releaseLater() {
        guard openLimitLeft else { return }
        for (partition, phase) in partitions.phases.sorted(by: { $0.key < $1.key }) {
            guard case .owned(let owned) = phase, !owned.isReleasingDue, let due = owned.nextDue,
                due <= wall
            else { continue }
            partitions.update(partition) {
                $0.isReleasingDue = true
                $0.nextDue = nil
            }
            emit(
                .releaseDue(
                    OwnedLease(partition: partition, epoch: owned.epoch),
                    count: configuration.releaseCount))
        }
    }

    mutating func dueReleased(_ partition: PartitionNumber, moved: Int, next: WallTime?) {
        partitions.update(partition) { $0.isReleasingDue = false }
        if let next { awaitDue(next, in: partition) }
    }

    mutating func dueReleaseFailed(_ partition: PartitionNumber) {
        partitions.update(partition) { $0.isReleasingDue = false }
        awaitDue(wall + configuration.retryPause, in: partition)
    }
}
