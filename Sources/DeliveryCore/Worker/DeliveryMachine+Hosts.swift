/// What exchanges say about hosts: circuits, windows, pauses, probes.
///
/// A host is up (its circuit is closed), down (open: only probes) or dead (open for a week: one try
/// a day). A pause that it asked for is another matter: it answers, and wants nothing for a while.
extension DeliveryMachine {
    /// A delivery for it has been prepared: what PostgreSQL knows of it counts until this worker
    /// knows better.
    mutating func learn(of inbox: PreparedFacts.Inbox, in partition: PartitionNumber) {
        let condition = inbox.hostCondition
        if hosts[inbox.host] == nil {
            var host = Host(
                name: inbox.hostName, partition: partition, windowLimit: configuration.hostWindow)
            host.recall(condition, now: now, wall: wall)
            host.lastError = condition.cause
            host.control = controls[host: inbox.hostName]
            hosts[inbox.host] = host
            if host.circuit.isOpen || host.suspendedUntil != nil { waitingHosts[inbox.host] = now }
        } else if hosts[inbox.host]?.name.isEmpty == true {
            hosts[inbox.host]?.name = inbox.hostName
            hosts[inbox.host]?.lastSuccess = condition.lastSuccess
            hosts[inbox.host]?.control = controls[host: inbox.hostName]
        }
        inheritDeferrals(of: inbox.host, in: partition)
    }

    /// The circuit is open: one delivery at a time may try the host. A dead one gets no others.
    mutating func admitToOpen(_ index: DeliveryIndex, host id: HostID) {
        let delivery = deliveries[index.rawValue]
        guard let host = hosts[id] else { preconditionFailure("admitted without a host") }
        let mayBeTheCause = host.circuit.outage?.mayBeCaused(by: delivery) == true
        // Nothing fresh probes while a backlog waits, and no possible cause while anything is held.
        let mayProbe =
            host.circuit.mayProbe(at: circuitTime) && !host.isSuspended(at: now)
            && !host.isBehindBacklog(delivery) && !(mayBeTheCause && host.held > 0)
            && (probing.contains(id) || probing.count < configuration.probeSlots)
        if mayProbe {
            hosts[id]?.circuit.probing(with: index)
            probing.insert(id)
            deliveries[index.rawValue].phase = .queued
            probes.append(index)
        } else if host.circuit.isDead(at: circuitTime) {
            settle(index, .outcome(.dropped, delivery.activity, delivery.inbox))
        } else if mayBeTheCause, !host.isBacklogAhead || delivery.goesToHead,
            !host.isSuspended(at: now), let outage = host.circuit.outage
        {
            // While nothing may be tried it would only come back, again and again.
            deferTurn(of: index, until: wall + rest(of: outage))
        } else {
            hold(index, atHead: delivery.goesToHead)
        }
    }

    /// How long what may be the cause stands back: until a while after the probe is due, so that
    /// anything else is tried first. While it is us who are away the probe comes no nearer.
    func rest(of outage: Circuit.Outage) -> Duration {
        let away = min(now - circuitTime, Circuit.probeIntervals.lowerBound)
        return max(outage.probeDue - circuitTime, .zero) + away + Self.probePrecedence
    }

    static let probePrecedence: Duration = .seconds(2)

    /// If this delivery was to try its host, it does not any more.
    mutating func withdrawProbe(_ index: DeliveryIndex) {
        guard let id = deliveries[index.rawValue].host, hosts[id]?.circuit.outage?.probe == index
        else { return }
        // Its place in the table is another's soon: it must not stand here under that name.
        _ = takeBackProbe(of: id)
        hosts[id]?.circuit.probeWithdrawn()
        if hosts[id]?.release == Host.Release.none { probing.remove(id) }
    }

    /// The probe of this host, if it waits for its slot: it does not any more.
    mutating func takeBackProbe(of id: HostID) -> DeliveryIndex? {
        guard let probe = hosts[id]?.circuit.outage?.probe,
            let place = probes.firstIndex(of: probe)
        else { return nil }
        probes.remove(at: place)
        return probe
    }

    // MARK: Verdicts

    /// What the verdict on this delivery says about its host. Returns whether it has tried the host
    /// often enough: it waits on its own then, and another is tried next.
    mutating func apply(_ verdict: Verdict, of index: DeliveryIndex, to id: HostID) -> Bool {
        let sent = deliveries[index.rawValue].sent
        switch verdict.host {
        case .alive:
            answered(id, isSuccess: verdict.item == .delivered)
        case .suspended(let pause, let isAlive):
            var hasTriedEnough = false
            if isAlive {
                answered(id, isSuccess: false)
            } else {
                hasTriedEnough = erred(id, verdict.reason, index, isPauseNamed: pause != nil)
            }
            suspend(id, for: pause, reason: verdict.reason)
            // It has named a time, or refused at the smallest window: it limits a rate, so its pace
            // is learned.
            if isAlive, let host = hosts[id], pause != nil || host.window.limit == 1 {
                let rest = (host.suspendedUntil ?? now) - now
                hosts[id]?.pace.refused(sent: sent, at: now, pause: rest)
            }
            hosts[id]?.window.congested(sent: sent, at: now)
            return hasTriedEnough
        case .erring:
            return erred(id, verdict.reason, index)
        case .unreachable(let isCertain, let isCongestion):
            if isCongestion { hosts[id]?.window.congested(sent: sent, at: now) }
            failed(id, verdict.reason, isCertain: isCertain, index)
        case .unknown:
            break
        }
        return false
    }

    private mutating func answered(_ id: HostID, isSuccess: Bool) {
        guard let host = hosts[id] else { return }
        let wasFull = host.inFlight + 1 >= host.window.limit
        let unneededProbe = takeBackProbe(of: id)
        let wasOpen = hosts[id]?.circuit.answered() == true
        if wasOpen {
            hosts[id]?.window.restart()
            probing.remove(id)
            waitingHosts[id] = now
            note(.info, "\(host.name) answers again")
        } else if isSuccess {
            hosts[id]?.window.succeeded(wasFull: wasFull)
        }
        if isSuccess {
            hosts[id]?.pace.succeeded()
            hosts[id]?.refusals = 0
        }
        // Written when it means something, and once an hour to show that it is well.
        let isNews = host.lastSuccess.map { wall - $0 > .seconds(3_600) } ?? true
        if wasOpen || isNews || host.lastError != nil {
            hosts[id]?.lastSuccess = wall
            hosts[id]?.lastError = nil
            report(id)
        }
        if !host.isProven, hosts[id]?.isProven == true { offerAll(of: id) }
        if let unneededProbe { place(unneededProbe) }
    }

    /// - Returns: whether it is another activity's turn to try the host.
    private mutating func erred(
        _ id: HostID, _ reason: String, _ index: DeliveryIndex, isPauseNamed: Bool = false
    ) -> Bool {
        let activity = deliveries[index.rawValue].activity
        if hosts[id]?.circuit.outage?.probe == index {
            probeFailed(id, reason, on: activity)
            // A poison activity must not hold a host.
            return true
        }
        // It errs again on an activity while others get through: that is about the activity.
        if deliveries[index.rawValue].attempts > 0, let host = hosts[id],
            hasServedOthers(host, since: activity)
        {
            return !host.circuit.isOpen
        }
        let opens =
            hosts[id]?.circuit.erred(reason, on: activity, at: now, using: &random) == true
        opens ? opened(id) : troubled(id, reason)
        // The first probe is to be another activity than the last one that it could not bear.
        return opens
            || hosts[id]?.circuit.isStuckOnFew(isPauseNamed: isPauseNamed, at: now) == true
    }

    private mutating func failed(
        _ id: HostID, _ reason: String, isCertain: Bool, _ index: DeliveryIndex
    ) {
        if hosts[id]?.circuit.outage?.probe == index {
            probeFailed(id, reason, on: nil)
            return
        }
        let window = hosts[id]?.window.limit ?? 1
        let opens =
            hosts[id]?.circuit.failed(
                reason, isCertain: isCertain, window: window,
                began: deliveries[index.rawValue].sent, at: now, using: &random) == true
        opens ? opened(id) : troubled(id, reason)
    }

    private mutating func probeFailed(_ id: HostID, _ reason: String, on activity: ActivityID?) {
        hosts[id]?.circuit.probeFailed(reason, on: activity, at: now, using: &random)
        hosts[id]?.lastError = reason
        if hosts[id]?.release == Host.Release.none { probing.remove(id) }
        report(id)
    }

    // MARK: Changes of state

    private mutating func opened(_ id: HostID) {
        guard let outage = hosts[id]?.circuit.outage else { return }
        hosts[id]?.lastError = outage.cause
        note(
            .info,
            "\(hosts[id]?.name ?? "a host") takes nothing (\(outage.cause)); it is probed from now "
                + "on, what is for it waits")
        waitingHosts[id] = now
        holdQueued(id)
        report(id)
    }

    private mutating func troubled(_ id: HostID, _ reason: String) {
        guard hosts[id]?.circuit.isOpen == false, hosts[id]?.lastError != reason else { return }
        hosts[id]?.lastError = reason
        report(id)
    }

    /// The host gets nothing until its pause is over; what it had queued is held in Redis.
    private mutating func suspend(_ id: HostID, for asked: Duration?, reason: String) {
        let refusals = hosts[id]?.refusals ?? 0
        let pause = asked ?? min(.seconds(1 << min(refusals, 6)), Self.longestOwnPause)
        // Of one burst the first counts.
        if asked == nil, hosts[id]?.isSuspended(at: now) == false {
            hosts[id]?.refusals = refusals + 1
        }
        // Answers of one burst come together: the longest pause counts.
        let until = max(now + pause, hosts[id]?.suspendedUntil ?? now)
        hosts[id]?.suspendedUntil = until
        waitingHosts[id] = now
        hosts[id]?.lastError = reason
        holdQueued(id)
        report(id)
    }

    /// Its quota is used up for so long: it is left alone before it has to refuse.
    mutating func spare(_ id: HostID, for rest: Duration, _ verdict: Verdict) {
        // It has refused, and that has set its pause.
        if case .suspended = verdict.host { return }
        suspend(id, for: rest, reason: "rate-limited")
    }

    /// Of a pause that nobody has asked for: it doubles from a second.
    static let longestOwnPause: Duration = .seconds(60)

    mutating func holdQueued(_ id: HostID) {
        if let probe = takeBackProbe(of: id) {
            hold(probe, atHead: deliveries[probe.rawValue].goesToHead)
        }
        for index in inOrder(hosts[id]?.removeQueued() ?? []) {
            hold(index, atHead: deliveries[index.rawValue].goesToHead)
        }
    }

    mutating func report(_ id: HostID) {
        guard let host = hosts[id] else { return }
        let state: FlushBatch.HostReport.State =
            host.circuit.isDead(at: circuitTime) ? .dead : host.circuit.isOpen ? .open : .closed
        settlement.record(
            FlushBatch.HostReport(
                host: id, partition: host.partition, state: state, window: host.window.size,
                condition: host.condition(now: now, wall: wall)),
            at: now)
    }
}
