/// From exchanges to ends: what an answer means for its delivery and its host. The judge decides,
/// from the exchange and what is known around it; here it is carried out.
extension DeliveryMachine {
    mutating func transferFinished(
        _ token: TransferToken, _ exchange: Exchange, retryAfter: Duration?, quota: Quota?,
        duration: Duration
    ) {
        guard let index = transfers.removeValue(forKey: token) else { return countStale() }
        let delivery = deliveries[index.rawValue]
        guard let id = delivery.host, let host = hosts[id] else {
            preconditionFailure("sent without a host")
        }
        if excuses(index, exchange, at: id, host) { return }
        // With others in flight the quota may be used up before it says so.
        let rest = quota?.pause(inFlight: host.inFlight - 1)
        var verdict = judge.verdict(
            on: exchange, retryAfter: retryAfter ?? quota?.pause(inFlight: 0),
            Judge.Circumstances(
                attempts: Int(delivery.attempts), profile: delivery.profile,
                knocked: delivery.hasKnocked || host.signatures.isKnockFutile(at: now),
                reconnected: delivery.hasReconnected,
                hostServesOthers: hasServedOthers(host, since: delivery.activity)
                    && !host.circuit.isErring(besides: delivery.activity)),
            using: &random)
        // Read before anything of the host is changed: what is kept of it would be copied then.
        let isClosed = host.isSuspended(at: now) || host.circuit.isOpen || host.control.isBlocked
        let hasBacklog = host.backlog > 0
        if case .answered = exchange { tally.count(verdict.item) }
        remember(signatureOf: delivery, exchange, at: id)
        if verdict.item.isAtOnce, isClosed || rest != nil || isPaused(delivery) {
            // This answer, another, or an operator has closed the door.
            verdict.item = .hold
        }
        switch verdict.item {
        case .knockAgain:
            deliveries[index.rawValue].hasKnocked = true
            deliveries[index.rawValue].profile = .messageSignatures
            emit(.send([transmission(of: index, onFreshConnection: false)]))
            return
        case .reconnect:
            deliveries[index.rawValue].hasReconnected = true
            emit(.send([transmission(of: index, onFreshConnection: true)]))
            return
        case .delivered, .retry, .hold, .failed:
            break
        }
        freeSlot(of: index)
        let hasTriedEnough = apply(verdict, of: index, to: id)
        if let rest { spare(id, for: rest, verdict) }
        end(index, verdict, exchange, duration: duration, hasTriedEnough: hasTriedEnough)
        wake(id)
        if hasBacklog { releaseHeld(id) }
    }

    func hasServedOthers(_ host: Host, since activity: ActivityID) -> Bool {
        guard let success = host.lastSuccess, let stored = activities[activity]?.facts?.stored
        else { return false }
        return success > stored
    }

    private mutating func end(
        _ index: DeliveryIndex, _ verdict: Verdict, _ exchange: Exchange, duration: Duration,
        hasTriedEnough: Bool
    ) {
        let delivery = deliveries[index.rawValue]
        let outage = delivery.host.flatMap { hosts[$0]?.circuit.outage }
        switch verdict.item {
        case .delivered:
            settle(index, .outcome(.delivered, delivery.activity, delivery.inbox))
        case .retry(let delay):
            let attempt = attempt(delivery, verdict, exchange, duration: duration)
            if let outage {
                hasTriedEnough
                    ? standBack(index, outage, attempt: attempt)
                    : waitForHost(index, attempt: attempt)
            } else {
                retry(index, after: delay, attempt: attempt)
            }
        case .hold:
            let attempt = attempt(delivery, verdict, exchange, duration: duration)
            if !hasTriedEnough {
                waitForHost(index, attempt: attempt)
            } else if let outage {
                standBack(index, outage, attempt: attempt)
            } else {
                let backoff = judge.backoff.delay(
                    attempt: Int(delivery.attempts), using: &random)
                retry(index, after: max(backoff, configuration.queueTime), attempt: attempt)
            }
        case .failed:
            let attempt = attempt(delivery, verdict, exchange, duration: duration)
            let failure = FlushBatch.Failure(
                activity: delivery.activity, inbox: delivery.inbox, reason: verdict.reason,
                status: attempt.status, detail: attempt.detail)
            settle(index, .failed(failure), attempt: attempt)
        case .knockAgain, .reconnect:
            preconditionFailure("\(verdict.item) does not end a delivery")
        }
    }

    private mutating func waitForHost(
        _ index: DeliveryIndex, attempt: FlushBatch.Attempt
    ) {
        let delivery = deliveries[index.rawValue]
        guard let id = delivery.host, let host = hosts[id] else {
            preconditionFailure("held without a host")
        }
        if let end = supersededEnd(of: delivery) { return settle(index, end, attempt: attempt) }
        if let failure = exhausted(delivery, after: .zero, attempt) {
            return settle(index, .failed(failure), attempt: attempt)
        }
        // Alone it is kept, to try the host with again.
        if host.circuit.isDead(at: circuitTime), host.backlog > 0 {
            let end = Settlement.End.outcome(.dropped, delivery.activity, delivery.inbox)
            return settle(index, end, attempt: attempt)
        }
        hosts[id]?.holding += 1
        waitingHosts[id] = now
        settle(index, .held(id, delivery.pointer, atHead: true), attempt: attempt)
    }

    /// The circuit is open, and this one may be why: another is the next probe. Its first attempt
    /// is used up, so that it is known by it, and no further one: the host may be what failed.
    private mutating func standBack(
        _ index: DeliveryIndex, _ outage: Circuit.Outage, attempt: FlushBatch.Attempt
    ) {
        let attempts = max(deliveries[index.rawValue].attempts, 1)
        comeLater(index, after: rest(of: outage), attempts: attempts, attempt)
    }

    private mutating func retry(
        _ index: DeliveryIndex, after delay: Duration, attempt: FlushBatch.Attempt?
    ) {
        let attempts = deliveries[index.rawValue].attempts
        comeLater(index, after: delay, attempts: attempts < .max ? attempts + 1 : .max, attempt)
    }

    /// It waits in `later` and comes back with so many attempts used up, unless its time ends before.
    private mutating func comeLater(
        _ index: DeliveryIndex, after delay: Duration, attempts: UInt8,
        _ attempt: FlushBatch.Attempt?
    ) {
        var delivery = deliveries[index.rawValue]
        if let end = supersededEnd(of: delivery) { return settle(index, end, attempt: attempt) }
        if let failure = exhausted(delivery, after: delay, attempt) {
            return settle(index, .failed(failure), attempt: attempt)
        }
        delivery.attempts = attempts
        settle(index, .later(delivery.later(due: wall + delay)), attempt: attempt)
    }

    /// The dead letter of a delivery whose retry budget ends before its next attempt.
    func exhausted(
        _ delivery: OpenDelivery, after delay: Duration, _ attempt: FlushBatch.Attempt?
    ) -> FlushBatch.Failure? {
        let budget = configuration.retryBudget[delivery.lane]
        guard let stored = activities[delivery.activity]?.facts?.stored,
            wall + delay > stored + budget
        else { return nil }
        let last = attempt.map { "; last: \($0.reason) \($0.detail)" } ?? ""
        return FlushBatch.Failure(
            activity: delivery.activity, inbox: delivery.inbox, reason: "retries-exhausted",
            status: attempt?.status, detail: "not delivered within \(budget.inWords)\(last)")
    }

    private func attempt(
        _ delivery: OpenDelivery, _ verdict: Verdict, _ exchange: Exchange, duration: Duration
    ) -> FlushBatch.Attempt {
        var attempt = FlushBatch.Attempt(
            activity: delivery.activity, inbox: delivery.inbox, at: wall,
            number: Int(delivery.attempts) + 1, reason: verdict.reason, status: nil,
            duration: duration, detail: "", excerpt: [])
        switch exchange {
        case .answered(let answer):
            attempt.status = answer.status
            attempt.detail = "HTTP \(answer.status)"
            attempt.excerpt = answer.excerpt
        case .failed(_, let detail):
            attempt.detail = detail
        }
        return attempt
    }

    mutating func keyMissing(_ token: TransferToken) {
        guard let index = transfers.removeValue(forKey: token) else { return countStale() }
        freeSlot(of: index)
        if let host = deliveries[index.rawValue].host { wake(host) }
        retry(index, after: configuration.missingKeyDelay, attempt: nil)
    }

    private mutating func remember(
        signatureOf delivery: OpenDelivery, _ exchange: Exchange, at host: HostID
    ) {
        guard case .answered(let answer) = exchange else { return }
        let accepted = (200..<300).contains(answer.status)
        if delivery.hasKnocked {
            if accepted || answer.status == 401 {
                hosts[host]?.signatures.knocked(accepted: accepted, at: now)
            }
        } else if delivery.profile == .messageSignatures, answer.status == 401 {
            hosts[host]?.signatures.refused()
        }
    }
}

extension DeliveryMachine.Tally {
    mutating func count(_ item: Verdict.Item) {
        switch item {
        case .delivered: delivered += 1
        case .knockAgain: knockedAgain += 1
        case .reconnect: reconnected += 1
        case .retry: retried += 1
        case .hold: held += 1
        case .failed: failed += 1
        }
    }
}
