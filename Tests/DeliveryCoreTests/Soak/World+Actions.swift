import DeliveryCore

/// What the workers ask for is put on the agenda, and carried out when its time comes.
extension World {
    mutating func take(_ action: Action, from name: Incarnation) {
        switch action {
        case .send(let transmissions):
            for transmission in transmissions { send(transmission, from: name) }
        case .takeEpoch, .expand, .prepare, .flush:
            plan(action, of: name, connection: postgresConnection, after: now + pause())
        case .heartbeat, .renewLeases, .recoverIntake, .takeLease, .sealLease, .releaseLeases,
            .loadHosts, .rejectIntake, .route, .finishIntake, .finishUnparking, .release,
            .releaseDue, .resolve:
            if case .takeLease(let partition) = action {
                workers[name]?.ownerships[partition, default: 0] += 1
            }
            let start = max(workers[name]?.redisBusyUntil ?? now, now + pause())
            workers[name]?.redisBusyUntil = start
            plan(action, of: name, connection: redisConnection, after: start)
        case .readIntake:
            workers[name]?.isIntakeReadInterrupted = false
            plan(action, of: name, connection: redisConnection, after: now + pause())
        case .readLogs:
            workers[name]?.isLogReadInterrupted = false
            plan(action, of: name, connection: redisConnection, after: now + pause())
        case .interruptIntakeRead: workers[name]?.isIntakeReadInterrupted = true
        case .interruptLogRead: workers[name]?.isLogReadInterrupted = true
        case .log(let notice):
            if notice.level == .warning { mayRepeat = true }
        case .forget: break
        case .finish:
            if workers[name]?.hasFinished == true { violation = "\(name) finished twice" }
            workers[name]?.hasFinished = true
            if !isClosing { replace(name) }
        }
    }

    private mutating func pause() -> Duration {
        chance(0.03) ? delay(1...900) : delay(0...6)
    }

    private mutating func plan(
        _ action: Action, of name: Incarnation, connection: Int, after start: Instant
    ) {
        let fails = isTroubled && chance(0.02)
        let promise = Promise(
            fails: fails, isCarriedOut: !fails || chance(0.5), connection: connection,
            patience: now + .seconds(1), askedAt: now)
        agenda.add(.perform(name, action, promise), at: start)
    }

    private mutating func send(_ transmission: Transmission, from name: Incarnation) {
        guard let inbox = Self.inboxes.first(where: { $0.url == transmission.url }) else {
            return violation = "sent to \(transmission.url), which nobody asked for"
        }
        let delivery = Delivery(activity: transmission.activity, inbox: inbox)
        checkSend(delivery, from: name)
        let flight = Flight(delivery: delivery, ownership: ownership(of: delivery, by: name))
        workers[name]?.flights[transmission.token] = flight
        let time = now + (chance(0.03) ? delay(500...5_000) : delay(2...200))
        agenda.add(.reply(name, answer(to: transmission)), at: time)
    }

    private mutating func answer(to transmission: Transmission) -> Event {
        let token = transmission.token
        func finished(_ exchange: Exchange, retryAfter: Duration? = nil) -> Event {
            .transferFinished(
                token, exchange, retryAfter: retryAfter, duration: .milliseconds(10))
        }
        guard isTroubled else { return finished(.status(202)) }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<6: return finished(.status(500))
        case 6..<9: return finished(.status(429), retryAfter: delay(500...4_000))
        case 9..<11 where transmission.profile == .draftCavage: return finished(.status(401))
        case 11..<13 where !transmission.onFreshConnection: return finished(.status(421))
        case 13: return finished(.status(404))
        case 14..<17: return finished(.failed(.connectFailed, detail: "refused"))
        case 17: return finished(.failed(.timedOut, detail: "no answer"))
        case 18: return .keyMissing(token)
        default: return finished(.status(202))
        }
    }

    // MARK: Carrying out

    mutating func perform(_ action: Action, of name: Incarnation, _ promise: Promise) {
        // What a killed worker had sent may still arrive.
        guard workers[name] != nil || promise.isCarriedOut else { return }
        let isConnected: Bool
        switch action {
        case .takeEpoch, .expand, .prepare, .flush:
            isConnected = isPostgresUp && promise.connection == postgresConnection
        default:
            isConnected = isRedisUp && promise.connection == redisConnection
        }
        var answer = failure(of: action)
        if isConnected, promise.isCarriedOut {
            switch carryOut(action, of: name, promise) {
            case .wait:
                return agenda.add(.perform(name, action, promise), at: now + .milliseconds(100))
            case .answer(let event):
                if !promise.fails { answer = event }
            }
        }
        if let answer { agenda.add(.reply(name, answer), at: now) }
    }

    private enum Performance {
        case answer(Event?)
        /// A blocking read that has found nothing yet.
        case wait
    }

    private mutating func carryOut(
        _ action: Action, of name: Incarnation, _ promise: Promise
    ) -> Performance {
        let leaseTime = Self.configuration.leaseTime
        switch action {
        case .heartbeat:
            redis.heartbeats[name] = now
            let alive = redis.heartbeats.filter { now - $0.value < .seconds(4) }.keys
            return .answer(.membershipSeen(alive: Set(alive)))
        case .takeLease(let partition):
            let ours = redis.takeLease(partition, name, at: now, for: leaseTime)
            return .answer(.leaseTaken(partition, ours))
        case .sealLease(let partition, let epoch):
            let ours = redis.sealLease(partition, epoch, name, at: now, for: leaseTime)
            return .answer(.leaseSealed(partition, epoch, ours))
        case .renewLeases(let leases):
            let (kept, lost) = redis.renew(leases, name, at: now, for: leaseTime)
            return .answer(.leasesRenewed(kept: kept, lost: lost, sent: promise.askedAt))
        case .releaseLeases(let leases):
            redis.releaseLeases(leases, name, at: now)
            return .answer(.leasesReleased(leases.map(\.partition)))
        case .loadHosts(let partition): return .answer(hosts(of: partition))
        case .takeEpoch(let partition):
            return .answer(.epochTaken(partition, postgres.takeEpoch(partition)))
        case .readIntake(let count): return readIntake(count, name, promise)
        case .recoverIntake(let alive): return .answer(recoverIntake(alive, name))
        case .rejectIntake(let rejected):
            for entry in rejected { redis.pending[entry.reference] = nil }
            return .answer(nil)
        case .expand(let id, let jobs): return .answer(.expanded(id, jobs.map { expand($0) }))
        case .route(let id, let entries):
            for entry in entries { redis.append(.fanout(entry.fanout), to: entry.partition) }
            return .answer(.routed(id))
        case .finishIntake(let id, let references):
            for reference in references { redis.pending[reference] = nil }
            return .answer(.intakeFinished(id))
        case .readLogs(let cursors, let count): return readLogs(cursors, count, name, promise)
        case .prepare(let id, let request):
            return .answer(.prepared(id, postgres.prepare(request)))
        case .release(let lease, let host, let count):
            guard redis.holds(lease, name, at: now) else { return .answer(.fenced(lease)) }
            let (entry, remaining) = redis.release(host, of: lease.partition, count: count)
            return .answer(.released(lease.partition, host, entry, remaining: remaining))
        case .releaseDue(let lease, let count):
            guard redis.holds(lease, name, at: now) else { return .answer(.fenced(lease)) }
            let (moved, next) = redis.releaseDue(of: lease.partition, count: count, at: wall)
            return .answer(.dueReleased(lease.partition, moved: moved, next: next))
        case .flush(let id, let batch):
            switch postgres.flush(id, batch, by: name) {
            case .committed: return .answer(.flushed(id))
            case .fenced(let lost): return .answer(.flushFenced(id, lost))
            }
        case .resolve(let lease, let id, let resolutions):
            guard redis.holds(lease, name, at: now) else { return .answer(.fenced(lease)) }
            for resolution in resolutions {
                checkResolution(resolution, in: lease.partition)
                redis.resolve(resolution, in: lease.partition)
            }
            return .answer(.resolved(lease.partition, id))
        case .finishUnparking, .interruptIntakeRead, .interruptLogRead, .send, .forget, .log,
            .finish:
            preconditionFailure("\(action.name) is not put on the agenda")
        }
    }

    private func failure(of action: Action) -> Event? {
        switch action {
        case .takeLease(let partition), .takeEpoch(let partition), .sealLease(let partition, _),
            .loadHosts(let partition):
            .ownershipFailed(partition)
        case .releaseLeases(let leases): .leasesReleased(leases.map(\.partition))
        case .readIntake: .intakeReadFailed
        case .expand(let id, _): .expansionFailed(id)
        case .route(let id, _): .routingFailed(id)
        case .finishIntake(let id, _), .finishUnparking(let id, _): .intakeFinishFailed(id)
        case .readLogs: .logReadFailed
        case .prepare(let id, _): .preparationFailed(id)
        case .release(let lease, let host, _): .releaseFailed(lease.partition, host)
        case .releaseDue(let lease, _): .dueReleaseFailed(lease.partition)
        case .flush(let id, _): .flushFailed(id)
        case .resolve(let lease, let id, _): .resolutionFailed(lease.partition, id)
        case .heartbeat, .renewLeases, .recoverIntake, .rejectIntake, .interruptIntakeRead,
            .interruptLogRead, .send, .forget, .log, .finish:
            nil
        }
    }

    private func hosts(of partition: PartitionNumber) -> Event {
        let state = redis.partitions[partition] ?? SimulatedRedis.Partition()
        let held = state.held.map { host, queue in
            HeldHost(
                host: host, condition: state.records[host] ?? HostCondition(), held: queue.count)
        }
        return .hostsLoaded(partition, held.sorted { $0.host < $1.host })
    }

    private mutating func readLogs(
        _ cursors: [LogCursor], _ count: Int, _ name: Incarnation, _ promise: Promise
    ) -> Performance {
        let found = redis.read(cursors, count: count)
        let isOver = workers[name]?.isLogReadInterrupted ?? true || promise.patience <= now
        return found.isEmpty && !isOver ? .wait : .answer(.logRead(found))
    }

    private mutating func readIntake(
        _ count: Int, _ name: Incarnation, _ promise: Promise
    ) -> Performance {
        let found = Array(redis.intake.prefix(count))
        let isOver = workers[name]?.isIntakeReadInterrupted ?? true || promise.patience <= now
        if found.isEmpty, !isOver { return .wait }
        redis.intake.removeFirst(found.count)
        for (reference, job) in found {
            redis.pending[reference] = SimulatedRedis.Pending(owner: name, job: job, since: now)
        }
        return .answer(.intakeRead(found.map { arrival($0.reference, job: $0.job) }))
    }

    /// Only what has lain for a while is claimed: the worker that read it a moment ago may be newer
    /// than the asker's view of who is alive.
    private mutating func recoverIntake(_ alive: Set<Incarnation>, _ name: Incarnation) -> Event {
        let found = redis.pending.filter { _, entry in
            (entry.owner == name || !alive.contains(entry.owner)) && now - entry.since > .seconds(2)
        }.sorted { $0.key.id < $1.key.id }
        for (reference, entry) in found {
            redis.pending[reference] = SimulatedRedis.Pending(
                owner: name, job: entry.job, since: now)
        }
        return .intakeRecovered(found.map { arrival($0.key, job: $0.value.job) })
    }

    private func arrival(_ reference: IntakeReference, job: Int) -> ArrivedEntry {
        guard jobs[job] != nil else { return .malformed(reference.id, lane: reference.lane) }
        return ArrivedEntry(
            lane: reference.lane, id: reference.id,
            content: .success(.create("\(job)", lane: reference.lane)))
    }

    private mutating func expand(_ expansion: ExpansionJob) -> ExpansionResult {
        guard let number = Int(expansion.job.idempotencyKey), var activity = jobs[number] else {
            return .refused(Rejection(code: "unknown", reason: "never produced"))
        }
        activity.stored = wall
        let (id, stored, again) = postgres.expand(number, activity)
        var routes = Routes()
        for inbox in stored.inboxes { routes.add(inbox, to: Self.partition(of: inbox)) }
        return .stored(
            ExpansionResult.Stored(activity: id, lane: stored.lane, routes: routes, again: again))
    }
}
