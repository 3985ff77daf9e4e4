/// Back from where deliveries wait: a host's held queue, and `later`.
///
/// Redis moves the pointers into the log by itself, in one script; they are read like any entry.
extension DeliveryMachine {
    mutating func advanceReleases() {
        // Without PostgreSQL the log is not read: what came back would only lie there.
        guard isRedisUp, isPostgresUp, !isDraining else {
            suspectsEnded = 0
            return
        }
        if now >= releaseDue {
            releaseDue = now + .milliseconds(250)
            releaseBacklogs()
        }
        releaseLater()
    }

    /// Hosts that have a backlog take turns. What they bring back stands in the log before anything
    /// that is expanded from now on, however urgent, so it is never more than this worker can soon
    /// open; and of suspects no more come back than may be tried until the next look: what is free,
    /// and as many as ended since the last one.
    private mutating func releaseBacklogs() {
        let waiting = waitingHosts.filter { $0.value <= now }.keys.sorted()
        var room = configuration.openLimit / 2
        var suspects = configuration.suspectSlots - suspectsInFlight + suspectsEnded
        suspectsEnded = 0
        for id in returningHosts {
            guard let host = hosts[id], host.returning > 0 else {
                returningHosts.remove(id)
                continue
            }
            room -= host.returning
            if host.isKnownSuspect { suspects -= 1 }
        }
        let start = waiting.firstIndex { $0 > lastReleased } ?? 0
        var stranded: [HostID: Set<EntryIndex>]?
        for id in [waiting[start...], waiting[..<start]].joined() {
            let isSuspect = hosts[id]?.isKnownSuspect == true
            let mayAsk = room > 0 && (!isSuspect || suspects > 0)
            var asked = releaseHeld(id, mayAsk: mayAsk)
            if asked == 0, mayAsk, openLimitLeft, mayTakeBack(id) {
                let entries = stranded ?? strandedHolds()
                stranded = entries
                asked = takeBack(id, from: entries[id] ?? [])
            }
            lookAgain(at: id)
            guard asked > 0 else { continue }
            room -= asked
            if isSuspect { suspects -= 1 }
            lastReleased = id
        }
    }

    /// What is to be held reaches Redis when its log entry ends; until then only this worker knows of
    /// it. If its host takes deliveries again, and nothing of it is in Redis, it need not wait.
    private func mayTakeBack(_ id: HostID) -> Bool {
        guard isRedisUp, isPostgresUp, !isDraining, let host = hosts[id] else { return false }
        return host.holding > 0 && host.held == 0 && host.release == .none
            && !host.circuit.isOpen && !host.control.isBlocked && !host.isSuspended(at: now)
            && owns(host.partition)
    }

    /// The open entries with something that is to be held, by its host.
    private func strandedHolds() -> [HostID: Set<EntryIndex>] {
        var found: [HostID: Set<EntryIndex>] = [:]
        for raw in entries.indices {
            for hold in entries[raw].resolution.holds {
                found[hold.host, default: []].insert(EntryIndex(rawValue: raw))
            }
        }
        return found
    }

    /// The host takes deliveries again: what waits with open entries is prepared anew, all of it or,
    /// where some is on its way to Redis and would be overtaken, nothing. Returns how much.
    private mutating func takeBack(_ id: HostID, from holders: Set<EntryIndex>) -> Int {
        let count = holders.reduce(0) { $0 + entries[$1.rawValue].resolution.held(for: id) }
        guard count > 0, count == hosts[id]?.holding else { return 0 }
        hosts[id]?.holding = 0
        hosts[id]?.holdingInherited = 0
        var preparation = Preparation(id: PreparationID(rawValue: nextToken()))
        var freed: [ChainKey] = []
        for index in holders.sorted(by: { $0.rawValue < $1.rawValue }) {
            for pointer in entries[index.rawValue].resolution.takeBack(for: id) {
                let turn = entries[index.rawValue].resolution.unpark(pointer, at: id)
                let opened = open(
                    pointer, of: .unknown, lane: .backfill, hasWaited: true, check: true,
                    in: index, into: &preparation)
                guard let turn else { continue }
                hosts[id]?.chains[turn.order]?.parkingEnded()
                if let heir = opened ?? unprepared(pointer) {
                    keep(turn, for: heir)
                } else {
                    freed.append(turn)
                }
            }
        }
        ask(preparation)
        // Whose turn comes may be held, or end an entry: not while they are gone through.
        for turn in freed { leaveChain(turn) }
        return count
    }

    /// Another entry has brought it, and it has no turn yet.
    private func unprepared(_ pointer: DeliveryPointer) -> DeliveryIndex? {
        for raw in deliveries.indices {
            let delivery = deliveries[raw]
            guard delivery.activity == pointer.activity, delivery.inbox == pointer.inbox else {
                continue
            }
            guard case .preparing = delivery.phase, !delivery.isInChain else { return nil }
            return DeliveryIndex(rawValue: raw)
        }
        return nil
    }

    /// Thousands of hosts may be down: they are not looked at four times a second while only time
    /// stands in their way.
    private mutating func lookAgain(at id: HostID) {
        guard waitingHosts[id] != nil, let host = hosts[id] else { return }
        var due = host.suspendedUntil ?? now
        if let outage = host.circuit.outage, outage.probe == nil,
            !host.circuit.isDead(at: circuitTime) || host.held == 1,
            !host.control.isBlocked
        {
            due = max(due, connectivity.isAway ? now + Self.longestUnseen : outage.probeDue)
        }
        // Not all of them in one turn.
        let spread = Duration.milliseconds(Int64(id.rawValue & 63) * 80)
        waitingHosts[id] = min(due, now + Self.longestUnseen + spread)
    }

    /// At the latest they are looked at after this, whatever was thought to stand in their way.
    static let longestUnseen: Duration = .seconds(5)

    /// A backlog comes back in small parts, the next when the last has ended: it stays in Redis,
    /// however long it is. Returns how much was asked for.
    @discardableResult
    mutating func releaseHeld(_ id: HostID, mayAsk: Bool = true) -> Int {
        guard let host = hosts[id], !host.isIdle else {
            waitingHosts[id] = nil
            return 0
        }
        if let until = host.suspendedUntil, now >= until {
            hosts[id]?.suspendedUntil = nil
            wake(id)
        }
        guard mayAsk, isRedisUp, isPostgresUp, !isDraining, host.held > 0, host.release == .none,
            !host.isInheriting(at: now),
            !host.isSuspended(at: now), openLimitLeft,
            case .owned(let owned) = partitions[host.partition],
            let count = releaseCount(of: id, host)
        else { return 0 }
        hosts[id]?.askForRelease(of: min(count, host.held))
        returningHosts.insert(id)
        let lease = OwnedLease(partition: host.partition, epoch: owned.epoch)
        emit(.release(lease, id, count: count))
        return min(count, host.held)
    }

    /// An open circuit lets one out, to probe with, when its time has come.
    private mutating func releaseCount(of id: HostID, _ host: Host) -> Int? {
        // What a blocked host was owed is dropped.
        if host.control.isBlocked { return LogEntry.inboxLimit }
        if !host.circuit.isOpen { return configuration.releaseCount }
        // So is what a dead one was, but the newest, at the tail: that is to try it with.
        if host.circuit.isDead(at: circuitTime), host.held > 1 {
            return min(LogEntry.inboxLimit, host.held - 1)
        }
        guard host.circuit.mayProbe(at: circuitTime),
            probing.contains(id) || probing.count < configuration.probeSlots
        else { return nil }
        probing.insert(id)
        return host.isSheddingExpired ? configuration.releaseCount : 1
    }

    /// Also for what comes back, the reserve is room.
    var openLimitLeft: Bool {
        deliveries.count < configuration.openLimit + configuration.openReserve
    }

    mutating func released(
        _ partition: PartitionNumber, _ id: HostID, as entry: StreamID?, remaining: Int
    ) {
        guard hosts[id] != nil else { return countStale() }
        hosts[id]?.held = remaining
        if let entry {
            hosts[id]?.releaseMoved()
            releasedEntries[partition, default: [:]][entry] = id
        } else {
            hosts[id]?.endRelease()
            probing.remove(id)
        }
    }

    mutating func releaseFailed(_ partition: PartitionNumber, _ id: HostID) {
        hosts[id]?.endRelease()
        probing.remove(id)
    }

    /// The entry has been prepared: from here on queues and chains keep its order.
    mutating func releaseAdmitted(_ partition: PartitionNumber, _ entry: StreamID) {
        guard let id = releasedEntries[partition]?[entry], hosts[id]?.release == .moved else {
            return
        }
        hosts[id]?.releaseAdmitted()
    }

    /// Everything of the entry has ended, or is back in its held queue.
    mutating func releaseEnded(_ partition: PartitionNumber, _ entry: StreamID) {
        guard let id = releasedEntries[partition]?.removeValue(forKey: entry) else { return }
        hosts[id]?.endRelease()
        if hosts[id]?.circuit.outage?.probe == nil { probing.remove(id) }
        releaseHeld(id)
    }

    /// Something of this partition will be due then.
    mutating func awaitDue(_ due: WallTime, in partition: PartitionNumber) {
        partitions.update(partition) { owned in
            owned.nextDue = min(owned.nextDue ?? due, due)
        }
    }

    private mutating func releaseLater() {
        guard openLimitLeft else { return }
        for partition in partitions.due(at: wall) {
            guard let lease = partitions.lease(partition) else { continue }
            partitions.update(partition) {
                $0.isReleasingDue = true
                $0.nextDue = nil
            }
            emit(.releaseDue(lease, count: configuration.releaseCount))
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
