internal import DeliveryCore

/// What the workers ask for is put on the agenda, to be carried out when its time comes.
extension World {
    mutating func take(_ action: Action, from number: Int) {
        guard workers.contains(number) else { return }
        switch action {
        case .send(let transmissions):
            for transmission in transmissions { send(transmission, from: number) }
        case .takeEpoch, .expand, .prepare, .flush, .finishUnparking, .findOwed:
            plan(action, of: number, connection: postgresConnection, after: now + pause())
        case .heartbeat, .renewLeases, .recoverIntake, .takeLease, .sealLease, .releaseLeases,
            .examine, .rebuild, .seek, .restore, .loadBacklog, .rejectIntake, .findPredecessors,
            .route, .finishIntake, .release, .releaseDue, .resolve:
            if case .takeLease(let partition) = action {
                workers[number].ownerships[partition, default: 0] += 1
            }
            if case .sealLease(let partition, _) = action {
                workers[number].sealAsked[partition] = now
            }
            let start = max(workers[number].redisBusyUntil, now + pause())
            workers[number].redisBusyUntil = start
            plan(action, of: number, connection: redisConnection, after: start)
        case .readIntake(let lanes, _):
            observe(.asked(number, lanes))
            workers[number].isIntakeReadInterrupted = false
            plan(action, of: number, connection: redisConnection, after: now + pause())
        case .readLogs:
            workers[number].isLogReadInterrupted = false
            plan(action, of: number, connection: redisConnection, after: now + pause())
        case .interruptIntakeRead:
            workers[number].isIntakeReadInterrupted = true
            wakeReader(number)
        case .interruptLogRead:
            workers[number].isLogReadInterrupted = true
            wakeReader(number)
        case .log, .forget: break
        case .finish:
            workers[number].hasFinished = true
            if isRedisUp { redis.heartbeats[workers[number].name] = nil }
            if !isClosing { replace(number) }
        }
    }

    private mutating func pause() -> Duration {
        chance(scenario.faults.slowPercent) ? delay(1...900) : delay(0...4)
    }

    private mutating func plan(
        _ action: Action, of number: Int, connection: Int, after start: Instant
    ) {
        let fails = isTroubled && chance(scenario.faults.failurePercent)
        let promise = Promise(
            fails: fails, isCarriedOut: !fails || chance(50), connection: connection,
            patience: now + scenario.readPatience, askedAt: now)
        agenda.add(.perform(number, action, promise), at: start)
    }

    private mutating func send(_ transmission: Transmission, from number: Int) {
        guard let inbox = InboxID(url: transmission.url),
            let activity = postgres.activity(transmission.activity)
        else { preconditionFailure("sent to \(transmission.url), which nobody asked for") }
        let delivery = Delivery(activity: transmission.activity, inbox: inbox)
        let sending = Sending(
            worker: number, token: transmission.token, delivery: delivery, lane: activity.lane,
            sender: activity.sender, orderingKey: activity.orderingKey, kind: activity.kind,
            ownership: workers[number].ownerships[partition(of: inbox)] ?? 0, at: now,
            isAgain: transmission.onFreshConnection || transmission.profile == .messageSignatures)
        let outcome = network.request(
            transmission, to: inbox.host, isPoison: activity.kind == .poison, at: age,
            using: &random)
        sendCount += 1
        observe(.sent(sending))
        workers[number].flights[transmission.token] = sending
        agenda.add(.land(number, sending, outcome), at: now + outcome.after)
    }

    // MARK: Blocking reads

    mutating func wakeReaders() {
        for number in workers.numbers { wakeReader(number) }
    }

    private mutating func wakeReader(_ number: Int) {
        let soon = now + .milliseconds(1)
        if let (action, promise) = workers[number].blockedLogRead {
            workers[number].blockedLogRead = nil
            agenda.add(.perform(number, action, promise), at: soon)
        }
        if let (action, promise) = workers[number].blockedIntakeRead {
            workers[number].blockedIntakeRead = nil
            agenda.add(.perform(number, action, promise), at: soon)
        }
    }

    mutating func block(_ action: Action, of number: Int, _ promise: Promise) {
        guard workers.contains(number) else { return }
        if case .readLogs = action {
            workers[number].blockedLogRead = (action, promise)
        } else {
            workers[number].blockedIntakeRead = (action, promise)
        }
        let mark = UInt64(bitPattern: promise.askedAt.nanoseconds)
        agenda.add(.patienceOver(number, action, mark), at: promise.patience)
    }

    mutating func loosePatience(_ number: Int, _ action: Action, _ asked: UInt64) {
        guard workers.contains(number) else { return }
        let blocked: (Action, Promise)?
        if case .readLogs = action {
            blocked = workers[number].blockedLogRead
        } else {
            blocked = workers[number].blockedIntakeRead
        }
        guard let blocked, UInt64(bitPattern: blocked.1.askedAt.nanoseconds) == asked else {
            return
        }
        wakeReader(number)
    }
}
