internal import DeliveryCore

/// The machines: started, ticked, told what happened.
extension World {
    mutating func startWorker() {
        workerCount += 1
        let name = Incarnation(rawValue: "w\(workerCount)")
        let machine = DeliveryMachine(
            incarnation: name, configuration: scenario.configuration, judge: scenario.judge,
            seed: seed &+ UInt64(workerCount))
        workers.add(Worker(name: name, machine: machine), as: workerCount)
        if isRedisUp { agenda.add(.reply(workerCount, .redisConnected), at: now) }
        // Before it claims anything.
        if !pauses.isEmpty { agenda.add(.hearControls(workerCount), at: now) }
        if isPostgresUp { agenda.add(.reply(workerCount, .postgresConnected), at: now) }
        planTick(workerCount, at: now)
    }

    private mutating func planTick(_ number: Int, at time: Instant) {
        workers[number].tick += 1
        workers[number].tickAt = time
        agenda.add(.tick(number, workers[number].tick), at: time)
    }

    /// One that has something to do is ticked when it wants it, an idle one as the scenario says:
    /// days would be made of ticks otherwise.
    mutating func tick(_ number: Int, _ tick: UInt64) {
        guard workers.contains(number), workers[number].tick == tick,
            !workers[number].hasFinished
        else { return }
        deliver(.ticked, to: number)
        guard workers.contains(number) else { return }
        let deadline = workers[number].deadline
        let soon = max(workers[number].frozenUntil, now + .milliseconds(20))
        let isBusy = now - workers[number].lastBusy < .seconds(2)
        let late = now + (isBusy ? min(scenario.tick, .milliseconds(250)) : scenario.tick)
        let wish = isBusy ? min(deadline, late) : late
        planTick(number, at: max(soon, wish))
    }

    /// Feeds an event, unless its worker is gone; a frozen one gets it when it thaws.
    mutating func deliver(_ arriving: Event, to number: Int) {
        guard workers.contains(number) else { return }
        if isFrozen(number) {
            if case .ticked = arriving { return }
            return postpone(.reply(number, arriving), of: number)
        }
        note(arriving, toldTo: number)
        let event = tampering.map { $0.event(arriving) } ?? arriving
        eventCount += 1
        var actions = workers[number].take(event, now: now, wall: wall)
        if let tampering { actions = tampering.actions(actions, self) }
        for action in actions { take(action, from: number) }
        guard workers.contains(number) else { return }
        if workers[number].hasLostLeases { observe(.lostLeases(number)) }
        if !workers[number].hasFinished {
            let deadline = workers[number].deadline
            observe(.turned(number, deadline: tampering?.deadline(deadline) ?? deadline))
        }
        if event.isWork {
            workers[number].lastBusy = now
            let soon = now + .milliseconds(250)
            if workers[number].tickAt > soon { planTick(number, at: soon) }
        }
        if eventCount % 64 == 0 { observe(.sampled) }
    }

    /// What has come before is still unread, or it does not run at all.
    private func isFrozen(_ number: Int) -> Bool {
        workers[number].frozenUntil > now || !workers[number].mail.isEmpty
    }

    /// What comes for a frozen worker is read in the order in which it came.
    private mutating func postpone(_ item: Item, of number: Int) {
        if workers[number].mail.isEmpty {
            agenda.add(.thaw(number), at: max(workers[number].frozenUntil, now))
        }
        workers[number].mail.append(item)
    }

    mutating func thaw(_ number: Int) {
        guard workers.contains(number) else { return }
        let asleep = workers[number].frozenUntil
        guard asleep <= now else { return agenda.add(.thaw(number), at: asleep) }
        let mail = workers[number].mail
        workers[number].mail.removeAll()
        for item in mail {
            switch item {
            case .reply(let number, let event): deliver(event, to: number)
            case .land(let number, let sending, let outcome): land(sending, outcome, of: number)
            default: preconditionFailure("no mail for a worker")
            }
        }
    }

    /// What the checkers must know of what a worker knows.
    private mutating func note(_ event: Event, toldTo number: Int) {
        switch event {
        case .leaseSealed(let partition, let epoch, true):
            workers[number].epochs[partition] = epoch
            let asked = workers[number].sealAsked[partition] ?? now
            observe(.leased(number, partition, until: asked + scenario.configuration.leaseTime))
        case .leasesRenewed(let kept, let lost, let sent):
            for lease in kept {
                observe(
                    .leased(
                        number, lease.partition, until: sent + scenario.configuration.leaseTime))
            }
            for lease in lost where isCurrent(lease, of: number) {
                observe(.unleased(number, lease.partition))
            }
        case .fenced(let lease):
            if isCurrent(lease, of: number) { observe(.unleased(number, lease.partition)) }
        case .flushFenced(_, let lost):
            for lease in lost where isCurrent(lease, of: number) {
                observe(.unleased(number, lease.partition))
            }
        case .controlsChanged(let controls): observe(.heard(number, controls))
        case .leasesReleased(let partitions):
            for partition in partitions { observe(.unleased(number, partition)) }
        default: break
        }
    }

    /// News of an earlier epoch says nothing about the present one.
    private func isCurrent(_ lease: OwnedLease, of number: Int) -> Bool {
        workers[number].epochs[lease.partition] == lease.epoch
    }

    /// A request comes to its end at its host; its worker hears of it, if it lives.
    mutating func land(_ sending: Sending, _ outcome: Network.Outcome, of number: Int) {
        network.left(sending.host)
        if outcome.isAccepted { observe(.accepted(sending)) }
        guard workers.contains(number) else { return }
        if isFrozen(number) {
            network.returned(sending.host)
            return postpone(.land(number, sending, outcome.alreadyAccepted), of: number)
        }
        workers[number].flights[sending.token] = nil
        observe(
            .answered(
                sending,
                Answering(
                    exchange: outcome.exchange, retryAfter: outcome.retryAfter,
                    isAccepted: outcome.isAccepted, isKeyMissing: outcome.isKeyMissing)))
        let event: Event =
            outcome.isKeyMissing
            ? .keyMissing(sending.token)
            : .transferFinished(
                sending.token, outcome.exchange, retryAfter: outcome.retryAfter,
                duration: outcome.after)
        deliver(event, to: number)
        if isTroubled, chance(scenario.faults.duplicatePercent) {
            agenda.add(.reply(number, event), at: now + delay(1...500))
        }
    }
}

extension Event {
    /// It may lead to more soon; the rest only says that everything is as it was.
    fileprivate var isWork: Bool {
        switch self {
        case .ticked, .membershipSeen, .leasesRenewed: false
        case .intakeRead(let entries), .intakeRecovered(let entries): !entries.isEmpty
        case .logRead(let batch): !batch.isEmpty
        default: true
        }
    }
}
