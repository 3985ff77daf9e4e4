/// From results to ended entries: commit in PostgreSQL first, then out of Redis.
extension DeliveryMachine {
    /// The delivery has ended; its end waits for the next flush.
    mutating func settle(
        _ index: DeliveryIndex, _ end: Settlement.End, attempt: FlushBatch.Attempt? = nil
    ) {
        withdrawProbe(index)
        deliveries[index.rawValue].phase = .settling
        let delivery = deliveries[index.rawValue]
        var result = Settlement.Result(
            delivery: index, partition: entries[delivery.entry.rawValue].partition, end: end,
            attempt: attempt)
        if case .outcome(.delivered, _, _) = end { result.revivesInbox = delivery.inboxHasStrikes }
        settlement.record(result, at: now)
        endTurn(of: index, with: end)
    }

    /// Puts a delivery that was not tried into its host's held queue. Nothing is to be committed:
    /// it is owed as before, and only waits elsewhere.
    mutating func hold(_ index: DeliveryIndex, atHead: Bool) {
        withdrawProbe(index)
        let delivery = deliveries[index.rawValue]
        guard let host = delivery.host else { preconditionFailure("held without a host") }
        hosts[host]?.holding += 1
        waitingHosts[host] = now
        addHold(
            host, delivery.pointer, atHead: atHead, isInherited: delivery.isInherited,
            to: delivery.entry)
        if delivery.isInherited {
            hosts[host]?.holdingInherited += 1
            hosts[host]?.inheritedDeadline = now + configuration.queueTime * 2
        }
        parkTurn(of: index, atHead: atHead)
        decide(index)
    }

    private mutating func addHold(
        _ host: HostID, _ pointer: DeliveryPointer, atHead: Bool, isInherited: Bool = false,
        to entry: EntryIndex
    ) {
        let condition = hosts[host]?.condition(now: now, wall: wall) ?? HostCondition()
        entries[entry.rawValue].resolution.hold(
            host, pointer, atHead: atHead, isInherited: isInherited, condition)
    }

    // MARK: Flushing

    mutating func advanceSettlement() {
        guard isPostgresUp else { return }
        if let due = settlement.retryDue(), now >= due,
            let (id, batch) = settlement.repeatFlush(lease: partitions.lease)
        {
            emit(.flush(id, batch))
        } else if let due = settlement.due(configuration, isIdle: isIdle), now >= due {
            let (id, batch) = settlement.begin(lease: partitions.lease)
            emit(.flush(id, batch))
        }
    }

    mutating func flushed(_ id: FlushID) {
        guard let results = settlement.committed(id) else { return countStale() }
        for result in results {
            let delivery = deliveries[result.delivery.rawValue]
            switch result.end {
            case .outcome, .failed: break
            case .later(let later):
                entries[delivery.entry.rawValue].resolution.laters.append(later)
            case .held(let host, let pointer, let atHead):
                addHold(host, pointer, atHead: atHead, to: delivery.entry)
                parkTurn(of: result.delivery, atHead: atHead)
            }
            decide(result.delivery)
        }
    }

    mutating func flushFailed(_ id: FlushID) {
        settlement.failed(id, at: now, pause: configuration.retryPause)
    }

    mutating func flushFenced(_ id: FlushID, _ lost: [OwnedLease]) {
        // By none of its own, it would be fenced again.
        guard !lost.isEmpty else { return flushFailed(id) }
        for lease in lost { lose(lease, because: "PostgreSQL has a newer epoch of it") }
        settlement.refence(id, at: now)
    }

    // MARK: Resolving

    /// Ends the entry if all of it has been opened, and nothing is undecided.
    mutating func concludeIfDecided(_ index: EntryIndex) {
        guard entries[index.rawValue].undecided == 0, !entries[index.rawValue].isPartlyOpen else {
            return
        }
        var entry = entries.remove(index.rawValue)
        guard partitions.lease(entry.partition) != nil else { return }
        entry.resolution.orderHolds()
        concluded[entry.partition, default: []].append(entry.resolution)
    }

    /// Sends what was concluded in this turn, one script a partition.
    mutating func resolveConcluded() {
        resolvePaused()
        guard !concluded.isEmpty else { return }
        for (partition, resolutions) in concluded.sorted(by: { $0.key < $1.key }) {
            guard let lease = partitions.lease(partition) else { continue }
            let id = ResolutionID(rawValue: nextToken())
            self.resolutions[id] = PendingResolution(lease: lease, resolutions: resolutions)
            if isRedisUp {
                emit(.resolve(lease, id, resolutions))
            } else {
                self.resolutions[id]?.pausedUntil = now
            }
        }
        concluded.removeAll()
    }

    private mutating func resolvePaused() {
        guard isRedisUp, !resolutions.isEmpty else { return }
        let due = resolutions.filter { $0.value.pausedUntil.map { now >= $0 } ?? false }
        for (id, pending) in due.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            resolutions[id]?.pausedUntil = nil
            emit(.resolve(pending.lease, id, pending.resolutions))
        }
    }

    mutating func resolved(_ partition: PartitionNumber, _ id: ResolutionID) {
        guard let pending = resolutions.removeValue(forKey: id) else { return countStale() }
        for resolution in pending.resolutions {
            for later in resolution.laters { awaitDue(later.due, in: partition) }
            for hold in resolution.holds {
                hosts[hold.host]?.holding -= hold.pointers.count
                hosts[hold.host]?.holdingInherited -= hold.inherited
                hosts[hold.host]?.held += hold.pointers.count
            }
        }
        // Redis has done all of it: no next part is asked for while some turns seem to be on their way.
        for turn in pending.resolutions.flatMap(\.parkedTurns) {
            leaveChain(turn.chain, parked: turn.pointer.activity)
        }
        for resolution in pending.resolutions { releaseEnded(partition, resolution.entry) }
    }

    /// Redis may or may not have done it. An entry that is gone already is skipped by the script,
    /// so it is simply sent again.
    mutating func resolutionFailed(_ partition: PartitionNumber, _ id: ResolutionID) {
        guard resolutions[id] != nil else { return countStale() }
        resolutions[id]?.pausedUntil = now + configuration.retryPause
    }
}

/// Ends of entries that Redis has not confirmed.
package struct PendingResolution: Sendable {
    let lease: OwnedLease
    let resolutions: [Resolution]
    var pausedUntil: Instant?
}

extension Resolution {
    /// What goes to a queue goes oldest first, in whatever order it failed or was held.
    mutating func orderHolds() {
        for place in holds.indices {
            holds[place].pointers.sort {
                ($0.activity, $0.inbox) < ($1.activity, $1.inbox)
            }
        }
    }

    /// The turn of this delivery does not end with the entry.
    mutating func unpark(_ pointer: DeliveryPointer, at host: HostID) -> ChainKey? {
        let place = parkedTurns.firstIndex { $0.chain.host == host && $0.pointer == pointer }
        return place.map { parkedTurns.remove(at: $0).chain }
    }

    func held(for host: HostID) -> Int {
        holds.reduce(0) { $1.host == host ? $0 + $1.pointers.count : $0 }
    }

    /// What was to be held for this host is not, oldest first.
    mutating func takeBack(for host: HostID) -> [DeliveryPointer] {
        let (heads, tails) = (pointers(of: host, atHead: true), pointers(of: host, atHead: false))
        holds.removeAll { $0.host == host }
        hostStates.removeAll { $0.host == host }
        return heads.sorted { ($0.activity, $0.inbox) < ($1.activity, $1.inbox) } + tails
    }

    private func pointers(of host: HostID, atHead: Bool) -> [DeliveryPointer] {
        holds.first { $0.host == host && $0.atHead == atHead }?.pointers ?? []
    }

    /// Appends to the queue of a host; what goes to one end of it stays in order.
    mutating func hold(
        _ host: HostID, _ pointer: DeliveryPointer, atHead: Bool, isInherited: Bool,
        _ condition: HostCondition
    ) {
        let place = holds.firstIndex { $0.host == host && $0.atHead == atHead } ?? holds.count
        if place == holds.count { holds.append(Hold(host: host, atHead: atHead, pointers: [])) }
        holds[place].pointers.append(pointer)
        if isInherited { holds[place].inherited += 1 }
        if let place = hostStates.firstIndex(where: { $0.host == host }) {
            hostStates[place].condition = condition
        } else {
            hostStates.append(HostState(host: host, condition: condition))
        }
    }
}
