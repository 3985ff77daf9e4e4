internal import DeliveryCore
internal import EventLoop
internal import Logging
internal import PostgresStore
internal import RedisQueue

/// What one worker does for the whole pool: the owner of partition 0.
extension WorkerProcess {
    /// A start is busy enough, and a pool that restarts in a loop must not drop in a loop.
    static let housekeepingDelay: Duration = .seconds(60)
    static let depthsInterval: Duration = .seconds(5)
    static let housekeepingInterval: Duration = .seconds(3_600)

    var ownsFirstPartition: Bool { machine.owns(PartitionNumber(rawValue: 0)) }

    /// With every heartbeat.
    func keepHouse() {
        lookAtDepths()
        lookForNewestActivity()
        lookAtMemory()
        guard ownsFirstPartition else { return }
        queue.writeIntakeState(isExpanding: isExpanding) { [weak self] result in
            if case .failure(let failure) = result { self?.complain(.writeState, failure) }
        }
        sweepOwing()
        let now = EventLoop.now
        guard now >= housekeepingDue else { return }
        housekeepingDue = now + Self.housekeepingInterval
        dropOldDays()
    }

    private func lookAtMemory() {
        queue.isFull { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let isFull):
                guard isFull != isRedisFull else { return }
                isRedisFull = isFull
                occur(.redisFilled(isFull))
                isFull
                    ? log.warning(
                        "Redis has reached its maxmemory: bulk waits until there is room")
                    : log.info("Redis has room again")
            case .failure(let failure): complain(.lookAtDepths, failure)
            }
        }
    }

    private func lookAtDepths() {
        let now = EventLoop.now
        guard now >= depthsDue else { return }
        depthsDue = now + Self.depthsInterval
        queue.depths(partitions: machine.ownedPartitions) { [weak self] result in
            switch result {
            case .success(let depths): self?.recorder.found(depths)
            case .failure(let failure): self?.complain(.lookAtDepths, failure)
            }
        }
    }

    /// False: entries only pile up just now.
    private var isExpanding: Bool {
        isPostgresUp && !isRedisFull && !machine.isDraining
            && machine.gauges.unsettled < options.limits.unsettledLimit
    }

    private func dropOldDays() {
        store.dropPartitions(retainingDays: options.retainDays) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let dropped): self.tell(dropped)
            case .failure(let failure): self.complain(.housekeeping, failure)
            }
        }
    }

    private func tell(_ dropped: Dropped) {
        let days = dropped.days.joined(separator: ", ")
        log.info(
            """
            kept \(options.retainDays) days: dropped \(days.isEmpty ? "no day" : days) and \
            \(dropped.idempotencyKeys) idempotency keys of more than \(PostgresStore.intakeDays) \
            days
            """)
    }
}
