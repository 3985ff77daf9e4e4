/// Membership, leases, epochs: which partitions this worker reads, and how it hands them back.
extension DeliveryMachine {
    mutating func redisConnected() {
        isRedisUp = true
        heartbeatDue = now
        renewalDue = now
        recoveryDue = now
        doubtPartitions()
    }

    mutating func redisDisconnected() {
        isRedisUp = false
    }

    mutating func advanceOwnership() {
        loseOverdue()
        guard isRedisUp else { return }
        if now >= heartbeatDue {
            heartbeatDue = now + configuration.heartbeatInterval
            emit(.heartbeat)
        }
        if now >= renewalDue {
            renewalDue = now + configuration.renewInterval
            let leases = partitions.renewable
            if !leases.isEmpty { emit(.renewLeases(leases, whole: partitions.whole)) }
        }
        let lanes = intakeLanes
        if now >= recoveryDue, isPostgresUp, !isDraining, !alive.isEmpty, !lanes.isEmpty,
            // Those that wait may wait for what is to be claimed.
            hasRoomForIntake(besidesFollowers: true)
        {
            recoveryDue = now + configuration.renewInterval
            emit(.recoverIntake(lanes, alive: alive))
        }
        examineDoubted()
        yieldUndesired()
    }

    mutating func loseOverdue() {
        for partition in partitions.overdue(at: now) {
            lose(partition, because: "its lease could not be renewed in time")
        }
    }

    mutating func membershipSeen(_ alive: Set<Incarnation>) {
        if alive != self.alive, !self.alive.subtracting(alive).isEmpty { recoveryDue = now }
        self.alive = alive
        partitions.desired =
            isDraining
            ? []
            : Assignment.partitions(
                of: incarnation, among: alive, count: configuration.partitionCount)
        guard isPostgresUp else { return }
        for partition in partitions.desired.sorted() where partitions[partition] == nil {
            partitions[partition] = .takingLease
            emit(.takeLease(partition))
        }
    }

    mutating func leaseTaken(_ partition: PartitionNumber, _ ours: Bool) {
        guard case .takingLease = partitions[partition] else { return countStale() }
        // Somebody else still has it; membership asks again in a second.
        guard ours else { return partitions[partition] = nil }
        partitions[partition] = .takingEpoch
        emit(.takeEpoch(partition))
    }

    mutating func epochTaken(_ partition: PartitionNumber, _ epoch: Epoch) {
        guard case .takingEpoch = partitions[partition] else { return countStale() }
        // The deadline counts from here, before the sealing is sent.
        partitions[partition] = .sealing(epoch, deadline: now + configuration.leaseTime)
        emit(.sealLease(partition, epoch))
    }

    mutating func leaseSealed(_ partition: PartitionNumber, _ epoch: Epoch, _ ours: Bool) {
        guard case .sealing(let expected, let deadline) = partitions[partition], expected == epoch
        else { return countStale() }
        guard ours else { return partitions[partition] = nil }
        if isDraining { return giveBack(partition, epoch) }
        enter(partition, .examining, epoch, deadline: deadline)
    }

    mutating func backlogLoaded(
        _ partition: PartitionNumber, _ held: [HeldHost], _ later: [Resolution.Later]
    ) {
        guard
            case .entering(.loading(let rebuilt, let isNew), let epoch, let deadline) =
                partitions[partition]
        else { return countStale() }
        var owned = PartitionTable.Owned(epoch: epoch, deadline: deadline)
        owned.rebuilt = rebuilt
        owned.hasRebuilt = isNew
        // More may stand in `later` than was loaded: ask at once.
        owned.nextDue = wall
        for one in later {
            guard let host = one.chain?.host else { continue }
            owned.inherited[host, default: []].append(one)
        }
        partitions[partition] = .owned(owned)
        for host in held { restore(host, of: partition) }
        emit(.interruptLogRead)
    }

    private mutating func restore(_ held: HeldHost, of partition: PartitionNumber) {
        var host =
            hosts[held.host]
            ?? Host(name: "", partition: partition, windowLimit: configuration.hostWindow)
        host.held = held.held
        host.recall(held.condition, now: now, wall: wall)
        hosts[held.host] = host
        waitingHosts[held.host] = now
    }

    mutating func leasesRenewed(
        kept: [OwnedLease], lost: [OwnedLease], sent: Instant
    ) {
        for lease in lost { lose(lease, because: "its lease has another owner") }
        partitions.renewed(kept, until: sent + configuration.leaseTime)
    }

    /// Another owner was seen; news of an earlier ownership of ours says nothing about this one.
    mutating func lose(_ lease: OwnedLease, because reason: String) {
        guard partitions.epoch(lease.partition) == lease.epoch else { return countStale() }
        lose(lease.partition, because: reason)
    }

    mutating func ownershipFailed(_ partition: PartitionNumber) {
        switch partitions[partition] {
        case .takingLease, .takingEpoch, .sealing: partitions[partition] = nil
        // The lease is ours: it is given back, or nobody could have it until it runs out.
        case .entering(_, let epoch, _): giveBack(partition, epoch)
        case .owned(let owned) where owned.examinationDue != nil:
            let due = now + configuration.retryPause
            partitions.update(partition) { $0.examinationDue = due }
        case .owned, .yielding, .releasing, nil: countStale()
        }
    }

    /// What is not read yet is given back at once: to rebuild it may take minutes.
    mutating func abandonEntering() {
        for lease in partitions.entering { giveBack(lease.partition, lease.epoch) }
    }

    private mutating func giveBack(_ partition: PartitionNumber, _ epoch: Epoch) {
        partitions[partition] = .releasing(epoch)
        emit(.releaseLeases([OwnedLease(partition: partition, epoch: epoch)]))
    }

    // MARK: Handing back

    private mutating func yieldUndesired() {
        for partition in partitions.leaving() {
            if case .owned(let owned) = partitions[partition] {
                beginYield(partition, owned)
            } else {
                finishYield(partition)
            }
        }
    }

    /// What has not been sent stays in the log for the next owner; what is in flight ends here.
    mutating func beginYield(
        _ partition: PartitionNumber, _ owned: PartitionTable.Owned
    ) {
        partitions[partition] = .yielding(owned)
        unopened.removeAll(of: partition)
        emit(.interruptLogRead)
        forgetDeliveries(of: partition) { phase in
            switch phase {
            case .preparing, .queued, .behind: true
            case .sending, .settling: false
            }
        }
        finishYield(partition)
    }

    private mutating func finishYield(_ partition: PartitionNumber) {
        guard let lease = partitions.lease(partition) else { return }
        let isBusy =
            openCounts[partition, default: 0] > 0 || concluded[partition] != nil
            || resolutions.values.contains { $0.lease.partition == partition }
        guard !isBusy else { return }
        forgetEntries(of: partition)
        giveBack(partition, lease.epoch)
    }

    mutating func leasesReleased(_ released: [PartitionNumber]) {
        for partition in released {
            guard case .releasing = partitions[partition] else {
                countStale()
                continue
            }
            partitions[partition] = nil
            forgetHosts(of: partition)
        }
    }

    // MARK: Losing

    /// Another owner has it, or may have: everything of it is dropped without a word to anybody.
    mutating func lose(_ partition: PartitionNumber, because reason: String) {
        guard partitions[partition] != nil else { return }
        if partitions.lease(partition) != nil {
            tally.leasesLost += 1
            note(.warning, "partition \(partition.rawValue) lost: \(reason)")
        }
        partitions[partition] = nil
        settlement.drop(partition)
        forgetDeliveries(of: partition) { _ in true }
        forgetEntries(of: partition)
        resolutions = resolutions.filter { $0.value.lease.partition != partition }
        forgetHosts(of: partition)
    }

    private mutating func forgetDeliveries(
        of partition: PartitionNumber, where leaves: (OpenDelivery.Phase) -> Bool
    ) {
        for raw in deliveries.indices {
            let delivery = deliveries[raw]
            guard entries[delivery.entry.rawValue].partition == partition, leaves(delivery.phase)
            else { continue }
            if case .sending(let token) = delivery.phase {
                transfers[token] = nil
                freeSlot(of: DeliveryIndex(rawValue: raw))
            }
            if case .queued = delivery.phase, let host = delivery.host {
                hosts[host]?.removeQueued { $0.rawValue == raw }
            }
            close(DeliveryIndex(rawValue: raw))
        }
    }

    private mutating func forgetEntries(of partition: PartitionNumber) {
        unopened.removeAll(of: partition)
        partlyOpen[partition] = nil
        for raw in entries.indices where entries[raw].partition == partition {
            _ = entries.remove(raw)
        }
    }

    private mutating func forgetHosts(of partition: PartitionNumber) {
        hosts.removeAll(of: partition)
        releasedEntries[partition] = nil
        probing = probing.filter { hosts[$0] != nil }
    }

    // MARK: Drain

    mutating func beginDrain() {
        guard !isDraining else { return }
        isDraining = true
        partitions.desired = []
        arrived.removeAll()
        followers.removeAll()
        // What waits to be tried again is not acked: another worker claims it.
        expansions = expansions.filter { $0.value.pausedUntil == nil && !$0.value.isBeingOrdered }
        abandonEntering()
        emit(.interruptIntakeRead)
        emit(.interruptLogRead)
        note(
            .info,
            "draining: \(transfers.count) in flight, \(partitions.ownedCount) partitions to hand "
                + "back")
    }

    mutating func finishDrain() {
        guard isDraining, expansions.isEmpty, partitions.isEmpty, transfers.isEmpty,
            settlement.isEmpty
        else { return }
        hasFinished = true
        emit(.finish)
    }
}

extension DeliveryMachine {
    package var ownedPartitions: [PartitionNumber] { partitions.cursors.map(\.partition) }

    package func owns(_ partition: PartitionNumber) -> Bool {
        if case .owned = partitions[partition] { true } else { false }
    }
}
