internal import DeliveryCore

/// Actions carried out by the twins, each as one command, script or transaction.
extension World {
    mutating func perform(_ action: Action, of number: Int, _ promise: Promise) {
        // What a killed worker had sent may still arrive.
        guard workers.contains(number) || promise.isCarriedOut else { return }
        let isConnected: Bool
        switch action {
        case .takeEpoch, .expand, .prepare, .flush, .finishUnparking, .findOwed:
            isConnected = isPostgresUp && promise.connection == postgresConnection
        default:
            isConnected = isRedisUp && promise.connection == redisConnection
        }
        var answer = failure(of: action)
        if isConnected, promise.isCarriedOut {
            switch carryOut(action, of: number, promise) {
            case .wait: return block(action, of: number, promise)
            case .answer(let event):
                if !promise.fails { answer = event }
            }
        }
        guard let answer else { return }
        if isTroubled, answer.mayComeTwice, chance(scenario.faults.duplicatePercent) {
            agenda.add(.reply(number, answer), at: now + delay(1...500))
        }
        deliver(answer, to: number)
    }

    enum Performance {
        case answer(Event?)
        /// A blocking read that has found nothing yet.
        case wait
    }

    private mutating func carryOut(
        _ action: Action, of number: Int, _ promise: Promise
    ) -> Performance {
        let name = Incarnation(rawValue: "w\(number)")
        switch action {
        case .heartbeat, .takeLease, .sealLease, .renewLeases, .releaseLeases, .loadBacklog,
            .takeEpoch:
            return .answer(own(action, name, promise))
        case .examine(let lease): return .answer(examine(lease))
        case .rebuild(let lease, let activity):
            return .answer(beginRebuild(lease, after: activity, number, name, promise))
        case .findOwed(let id, let after, let partitions):
            return .answer(findOwed(id, after: after, partitions))
        case .seek(let id, let lease, let cursor, let pointers):
            return .answer(seek(id, lease, after: cursor, pointers))
        case .restore(let lease, let fanouts):
            return .answer(restore(lease, fanouts, of: number))
        case .readIntake(let lanes, let count):
            return readIntake(lanes, count, number, name, promise)
        case .recoverIntake(let lanes, let alive):
            let recovered = recoverIntake(lanes, alive, name)
            // Whether one of them is set aside only PostgreSQL can say.
            return .answer(isPostgresUp ? recovered : nil)
        case .rejectIntake(let rejected):
            for entry in rejected { redis.pending[entry.reference] = nil }
            return .answer(nil)
        case .findPredecessors(let id, let lane, let questions):
            return .answer(.predecessorsFound(id, questions.map { predecessors($0, in: lane) }))
        case .expand(let id, let jobs): return .answer(.expanded(id, jobs.map { expand($0) }))
        case .route(let id, let entries):
            for entry in entries {
                redis.append(.fanout(entry.fanout), to: entry.partition)
                let activity = entry.fanout.activity
                observe(
                    .stood(
                        entry.fanout.inboxes.map { Delivery(activity: activity, inbox: $0) },
                        isFresh: true))
            }
            wakeReaders()
            return .answer(.routed(id))
        case .finishIntake(let id, let references):
            for reference in references {
                guard let job = redis.pending.removeValue(forKey: reference)?.job,
                    let activity = postgres.intake[job]
                else { continue }
                observe(.acked(activity))
            }
            return .answer(.intakeFinished(id))
        case .finishUnparking(let id, let activities):
            postgres.unpark(activities, at: now)
            return .answer(.intakeFinished(id))
        case .readLogs(let cursors, let count):
            let found = redis.read(cursors, count: count)
            let isOver =
                !workers.contains(number) || workers[number].isLogReadInterrupted
                || promise.patience <= now
            return found.isEmpty && !isOver ? .wait : .answer(.logRead(found))
        case .prepare(let id, let request):
            return .answer(.prepared(id, postgres.prepare(request)))
        case .release(let lease, _, _), .releaseDue(let lease, _), .resolve(let lease, _, _):
            guard redis.holds(lease, name, at: now) else { return .answer(.fenced(lease)) }
            observe(.mutated(number, lease))
            return .answer(change(action))
        case .flush(let id, let batch): return .answer(flush(id, batch, number, name))
        case .interruptIntakeRead, .interruptLogRead, .send, .forget, .log, .finish:
            preconditionFailure("not an action for the agenda")
        }
    }

    private mutating func own(_ action: Action, _ name: Incarnation, _ promise: Promise) -> Event? {
        let leaseTime = scenario.configuration.leaseTime
        switch action {
        case .heartbeat:
            redis.heartbeats[name] = now
            let now = now
            redis.heartbeats = redis.heartbeats.filter { now - $0.value <= leaseTime }
            return .membershipSeen(alive: Set(redis.heartbeats.keys))
        case .takeLease(let partition):
            // Its owner, frozen or cut off, did not give it back: it may have work half done.
            if let left = redis.partitions[partition.rawValue].lease, left.expires <= now {
                observe(.disturbed(partition))
            }
            return .leaseTaken(
                partition, redis.takeLease(partition, name, at: now, for: leaseTime))
        case .sealLease(let partition, let epoch):
            return .leaseSealed(
                partition, epoch, redis.sealLease(partition, epoch, name, at: now, for: leaseTime))
        case .renewLeases(let leases, let whole):
            let (kept, lost) = redis.renew(
                leases, name, at: now, for: leaseTime, whole: whole, through: oldNewestActivity())
            return .leasesRenewed(kept: kept, lost: lost, sent: promise.askedAt)
        case .releaseLeases(let leases):
            redis.releaseLeases(leases, name, at: now)
            return .leasesReleased(leases.map(\.partition))
        case .loadBacklog(let partition):
            let state = redis.partitions[partition.rawValue]
            let held = state.records.map { host, record in
                HeldHost(host, record, held: state.held[host]?.count ?? 0)
            }
            return .backlogLoaded(
                partition, held.sorted { $0.host < $1.host },
                later: state.later.chained)
        case .takeEpoch(let partition):
            return .epochTaken(partition, postgres.takeEpoch(partition))
        default: return nil
        }
    }

    /// The fenced scripts.
    private mutating func change(_ action: Action) -> Event? {
        switch action {
        case .release(let lease, let host, let count):
            let (entry, moved, remaining) = redis.release(host, of: lease.partition, count: count)
            wakeReaders()
            return .released(
                lease.partition, host, as: entry, moved: moved.count, remaining: remaining)
        case .releaseDue(let lease, let count):
            let (moved, next) = redis.releaseDue(of: lease.partition, count: count, at: wall)
            wakeReaders()
            return .dueReleased(lease.partition, moved: moved.count, next: next)
        case .resolve(let lease, let id, let resolutions):
            for resolution in resolutions {
                guard let entry = redis.resolve(resolution, in: lease.partition) else { continue }
                let moved = resolution.holds.flatMap(\.pointers) + resolution.laters.map(\.pointer)
                if !moved.isEmpty { observe(.stood(moved.map(Delivery.init), isFresh: false)) }
                observe(.left(entry.deliveries))
            }
            return .resolved(lease.partition, id)
        default: return nil
        }
    }

    private mutating func flush(
        _ id: FlushID, _ batch: FlushBatch, _ number: Int, _ name: Incarnation
    ) -> Event {
        switch postgres.flush(id, batch, by: name) {
        case .committed(let ended):
            for lease in batch.fences where !ended.isEmpty { observe(.mutated(number, lease)) }
            for (delivery, end, isAgain) in ended {
                observe(.settled(delivery, end, again: isAgain))
            }
            return .flushed(id)
        case .fenced(let lost): return .flushFenced(id, lost)
        }
    }

    private func failure(of action: Action) -> Event? {
        switch action {
        case .takeLease(let partition), .takeEpoch(let partition), .sealLease(let partition, _),
            .loadBacklog(let partition):
            .ownershipFailed(partition)
        case .examine(let lease), .rebuild(let lease, _): .ownershipFailed(lease.partition)
        case .findOwed(let id, _, _): .owedUnknown(id)
        case .seek(let id, let lease, _, _): .sought(id, lease.partition, nowhere: [])
        case .releaseLeases(let leases): .leasesReleased(leases.map(\.partition))
        case .readIntake: .intakeReadFailed
        case .findPredecessors(let id, _, _): .predecessorsUnknown(id)
        case .expand(let id, _): .expansionFailed(id)
        case .route(let id, _): .routingFailed(id)
        case .finishIntake(let id, _), .finishUnparking(let id, _): .intakeFinishFailed(id)
        case .readLogs: .logReadFailed
        case .prepare(let id, _): .preparationFailed(id)
        case .release(let lease, let host, _): .releaseFailed(lease.partition, host)
        case .releaseDue(let lease, _): .dueReleaseFailed(lease.partition)
        case .flush(let id, _): .flushFailed(id)
        case .resolve(let lease, let id, _): .resolutionFailed(lease.partition, id)
        case .heartbeat, .renewLeases, .restore, .recoverIntake, .rejectIntake,
            .interruptIntakeRead,
            .interruptLogRead, .send, .forget, .log, .finish:
            nil
        }
    }
}

extension Event {
    /// It names what it answers, so that a second one finds nothing.
    fileprivate var mayComeTwice: Bool {
        switch self {
        case .predecessorsFound, .expanded, .routed, .intakeFinished, .prepared, .flushed,
            .resolved, .leasesRenewed:
            true
        default: false
        }
    }
}
