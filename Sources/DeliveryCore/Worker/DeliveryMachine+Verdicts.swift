/// From exchanges to ends: what an answer means for its delivery and its host.
extension DeliveryMachine {
    mutating func transferFinished(
        _ token: TransferToken, _ exchange: Exchange, retryAfter: Duration?, duration: Duration
    ) {
        guard let index = transfers.removeValue(forKey: token) else { return countStale() }
        let delivery = deliveries[index.rawValue]
        guard let id = delivery.host, let host = hosts[id] else {
            preconditionFailure("sent without a host")
        }
        let verdict = judge.verdict(
            on: exchange, retryAfter: retryAfter,
            Judge.Circumstances(
                attempts: Int(delivery.attempts), profile: delivery.profile,
                knocked: delivery.hasKnocked || host.signatures.isKnockFutile(at: now),
                reconnected: delivery.hasReconnected,
                hostServesOthers: hasServedOthers(host, since: delivery.activity)),
            using: &random)
        if case .answered = exchange { tally.count(verdict.item) }
        remember(signatureOf: delivery, exchange, at: id)
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
        hosts[id]?.inFlight -= 1
        apply(verdict.host, reason: verdict.reason, exchange, to: id)
        end(index, verdict, exchange, duration: duration)
        wake(id)
        if host.backlog > 0 { releaseHeld(id) }
    }

    private func hasServedOthers(_ host: Host, since activity: ActivityID) -> Bool {
        guard let success = host.lastSuccess, let stored = activities[activity]?.facts?.stored
        else { return false }
        return success > stored
    }

    private mutating func end(
        _ index: DeliveryIndex, _ verdict: Verdict, _ exchange: Exchange, duration: Duration
    ) {
        let delivery = deliveries[index.rawValue]
        switch verdict.item {
        case .delivered:
            settle(index, .outcome(.delivered, delivery.activity, delivery.inbox))
        case .retry(let delay):
            let attempt = attempt(delivery, verdict, exchange, duration: duration)
            retry(index, after: delay, reason: verdict.reason, attempt: attempt)
        case .hold:
            let attempt = attempt(delivery, verdict, exchange, duration: duration)
            if let failure = exhausted(delivery, after: .zero, attempt) {
                return settle(index, .failed(failure), attempt: attempt)
            }
            guard let host = delivery.host else { preconditionFailure("held without a host") }
            hosts[host]?.holding += 1
            waitingHosts.insert(host)
            settle(index, .held(host, delivery.pointer, atHead: true), attempt: attempt)
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

    private mutating func retry(
        _ index: DeliveryIndex, after delay: Duration, reason: String,
        attempt: FlushBatch.Attempt?
    ) {
        var delivery = deliveries[index.rawValue]
        if let failure = exhausted(delivery, after: delay, attempt) {
            return settle(index, .failed(failure), attempt: attempt)
        }
        if delivery.attempts < .max { delivery.attempts += 1 }
        let later = Resolution.Later(pointer: delivery.pointer, due: wall + delay)
        settle(index, .later(later), attempt: attempt)
    }

    /// The dead letter of a delivery whose retry budget ends before its next attempt.
    private func exhausted(
        _ delivery: OpenDelivery, after delay: Duration, _ attempt: FlushBatch.Attempt?
    ) -> FlushBatch.Failure? {
        guard let stored = activities[delivery.activity]?.facts?.stored,
            wall + delay > stored + configuration.retryBudget
        else { return nil }
        let last = attempt.map { "; last: \($0.reason) \($0.detail)" } ?? ""
        let hours = configuration.retryBudget.wholeMilliseconds / 3_600_000
        return FlushBatch.Failure(
            activity: delivery.activity, inbox: delivery.inbox, reason: "retries-exhausted",
            status: attempt?.status, detail: "not delivered within \(hours) hours\(last)")
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
        if let host = deliveries[index.rawValue].host {
            hosts[host]?.inFlight -= 1
            wake(host)
        }
        retry(
            index, after: configuration.missingKeyDelay, reason: "key-missing", attempt: nil)
    }

    // MARK: The host

    private mutating func apply(
        _ effect: Verdict.Host, reason: String, _ exchange: Exchange, to id: HostID
    ) {
        var report: FlushBatch.HostReport?
        switch effect {
        case .succeeded:
            hosts[id]?.lastSuccess = wall
            if hosts[id]?.lastError != nil {
                hosts[id]?.lastError = nil
                report = FlushBatch.HostReport(host: id, suspendedUntil: nil, lastError: nil)
            }
        case .reachable:
            break
        case .suspended(let pause):
            report = suspend(id, for: pause, reason: reason)
        case .troubled:
            if hosts[id]?.lastError != reason {
                hosts[id]?.lastError = reason
                report = FlushBatch.HostReport(host: id, suspendedUntil: nil, lastError: reason)
            }
        }
        if let report { settlement.record(report, at: now) }
    }

    /// The host gets nothing until its pause is over; what it had queued is held in Redis.
    private mutating func suspend(
        _ id: HostID, for pause: Duration, reason: String
    ) -> FlushBatch.HostReport {
        let until = now + pause
        // Answers of one burst come together: the longest pause counts.
        let end = max(until, hosts[id]?.suspendedUntil ?? until)
        hosts[id]?.suspendedUntil = end
        waitingHosts.insert(id)
        hosts[id]?.lastError = reason
        for index in hosts[id]?.removeQueued() ?? [] {
            hold(index, atHead: deliveries[index.rawValue].hasWaited)
        }
        return FlushBatch.HostReport(
            host: id, suspendedUntil: wall + (end - now), lastError: reason)
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
