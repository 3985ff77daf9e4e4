internal import DequeModule

/// From the intake to the partitions' logs: read, reject, expand, route, ack.
///
/// An entry stays pending in Redis until its activity is committed in PostgreSQL and routed, so a
/// worker may die anywhere on this way. Lanes are expanded side by side, one batch a lane, so that
/// a celebrity's fan-out in bulk never stands before a direct message.
extension DeliveryMachine {
    mutating func advanceIntake() {
        if let pause = intakePausedUntil, now >= pause { intakePausedUntil = nil }
        if isRedisUp, isPostgresUp, !expansions.isEmpty { repeatExpansions() }
        guard isPostgresUp else { return }
        for lane in Lane.intake where !(arrived.isEmpty && followers.isEmpty) {
            beginExpansion(of: lane)
        }
        readIntake()
    }

    private mutating func repeatExpansions() {
        let due = expansions.filter { $0.value.pausedUntil.map { now >= $0 } ?? false }
        for id in due.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            expansions[id]?.pausedUntil = nil
            perform(id)
        }
    }

    /// A lane that rests is not read: what is for it stays in Redis, where it is seen and nothing of it
    /// is lost.
    private mutating func readIntake() {
        guard isRedisUp, !isDraining else { return }
        let lanes = intakeLanes
        if readingIntakeSince != nil, readingLanes != lanes {
            // The one that is out may wait for a lane that rests, or not for one that no longer does.
            readingLanes = lanes
            emit(.interruptIntakeRead)
        }
        guard readingIntakeSince == nil, intakePausedUntil == nil, !lanes.isEmpty,
            hasRoomForIntake(), settlement.unsettled < configuration.unsettledLimit
        else { return }
        readingIntakeSince = now
        readingLanes = lanes
        emit(.readIntake(lanes, count: configuration.intakeReadCount))
    }

    /// What is in hand of a lane that rests goes nowhere, and does not stand in the way of others.
    func hasRoomForIntake(besidesFollowers: Bool = false) -> Bool {
        var resting = 0
        for lane in Lane.intake {
            let isResting = isResting(lane)
            if isResting { resting += arrived[lane]?.count ?? 0 }
            if isResting || besidesFollowers { resting += followers[lane]?.count ?? 0 }
        }
        return inHand.count - resting < configuration.intakeLimit
    }

    mutating func intakeRead(_ arrivals: [ArrivedEntry]) {
        let since = readingIntakeSince
        readingIntakeSince = nil
        take(arrivals, since: since)
    }

    mutating func intakeReadFailed() {
        readingIntakeSince = nil
        intakePausedUntil = now + configuration.retryPause
    }

    /// - Parameter since: when they were asked for; nil: somebody else has had them.
    mutating func take(_ arrivals: [ArrivedEntry], since: Instant?) {
        // What arrives while draining stays pending and is claimed by whoever remains.
        guard !isDraining else { return }
        var rejected: [RejectedIntake] = []
        for arrival in arrivals {
            let reference = IntakeReference(lane: arrival.lane, id: arrival.id)
            guard inHand[reference] == nil else { continue }
            switch arrival.content {
            case .success(let job):
                inHand[reference] = since ?? Instant(nanoseconds: .min / 2)
                arrived[arrival.lane, default: []].append(
                    ExpansionJob(reference: reference, job: job))
            case .failure(let rejection):
                rejected.append(RejectedIntake(reference: reference, rejection: rejection))
            }
        }
        if !rejected.isEmpty { emit(.rejectIntake(rejected)) }
    }

    private mutating func beginExpansion(of lane: Lane) {
        guard !isDraining, !isResting(lane),
            !expansions.values.contains(where: { $0.lane == lane })
        else { return }
        let candidates = takeCandidates(of: lane)
        guard !candidates.isEmpty else { return }
        let id = ExpansionID(rawValue: nextToken())
        let isOrdered = candidates.contains { $0.job.job.mayFollow }
        expansions[id] = Expansion(
            lane: lane,
            stage: isOrdered ? .ordering(candidates) : .expanding(candidates.map(\.job)))
        perform(id)
    }

    /// Does, or does again, what the stage of an expansion asks for. Each may be repeated: the
    /// idempotency key and the flag `again` make a second time harmless.
    mutating func perform(_ id: ExpansionID) {
        guard let expansion = expansions[id] else { return }
        switch expansion.stage {
        case .ordering(let candidates):
            emit(.findPredecessors(id, expansion.lane, candidates.compactMap(\.question)))
        case .expanding(let jobs): emit(.expand(id, jobs))
        case .routing(let entries, _): emit(.route(id, entries))
        case .finishing(.entries(let references)): emit(.finishIntake(id, references))
        case .finishing(.parked(let activities)): emit(.finishUnparking(id, activities))
        }
    }

    mutating func expanded(_ id: ExpansionID, _ results: [ExpansionResult]) {
        guard case .expanding(let jobs) = expansions[id]?.stage else { return countStale() }
        precondition(jobs.count == results.count, "one result a job")
        var entries: [RoutedEntry] = []
        var finished: [IntakeReference] = []
        var rejected: [RejectedIntake] = []
        for (job, result) in zip(jobs, results) {
            switch result {
            case .stored(var stored):
                // So late that somebody may have claimed the entry meanwhile, and delivered it.
                if let read = inHand[job.reference], now - read > configuration.leaseTime / 2 {
                    stored.again = true
                }
                entries += routedEntries(stored)
                finished.append(job.reference)
            case .parked:
                finished.append(job.reference)
            case .refused(let rejection):
                inHand[job.reference] = nil
                rejected.append(RejectedIntake(reference: job.reference, rejection: rejection))
            }
        }
        if !rejected.isEmpty { emit(.rejectIntake(rejected)) }
        continueExpansion(id, routing: entries, thenFinishing: .entries(finished))
    }

    mutating func unparked(_ activities: [ExpansionResult.Stored]) {
        guard !activities.isEmpty, !isDraining else { return }
        let id = ExpansionID(rawValue: nextToken())
        expansions[id] = Expansion(lane: .backfill, stage: .expanding([]))
        note(
            .info, "\(activities.count) parked activities wait for nothing any more and are routed")
        continueExpansion(
            id, routing: activities.flatMap(routedEntries),
            thenFinishing: .parked(activities.map(\.activity)))
    }

    private func routedEntries(_ stored: ExpansionResult.Stored) -> [RoutedEntry] {
        stored.routes.entries(
            activity: stored.activity, lane: stored.lane, sender: stored.sender, again: stored.again
        ).map { RoutedEntry(partition: $0.0, fanout: $0.1) }
    }

    private mutating func continueExpansion(
        _ id: ExpansionID, routing entries: [RoutedEntry], thenFinishing finish: Expansion.Finish
    ) {
        if !entries.isEmpty {
            expansions[id]?.stage = .routing(entries, then: finish)
        } else if !finish.isEmpty {
            expansions[id]?.stage = .finishing(finish)
        } else {
            expansions[id] = nil
        }
        perform(id)
    }

    mutating func routed(_ id: ExpansionID) {
        guard case .routing(_, let finish) = expansions[id]?.stage else { return countStale() }
        expansions[id]?.stage = .finishing(finish)
        perform(id)
    }

    mutating func intakeFinished(_ id: ExpansionID) {
        guard case .finishing(let finish) = expansions[id]?.stage else { return countStale() }
        if case .entries(let references) = finish {
            for reference in references { inHand[reference] = nil }
        }
        expansions[id] = nil
    }

    mutating func expansionFailed(_ id: ExpansionID) {
        guard let expansion = expansions[id] else { return countStale() }
        if isDraining {
            // Nothing is acked, so nothing is lost: another worker claims the entries.
            expansions[id] = nil
            return
        }
        if case .routing(let entries, let finish) = expansion.stage {
            // Some of it may have arrived.
            let again = entries.map { entry in
                var entry = entry
                entry.fanout.again = true
                return entry
            }
            expansions[id]?.stage = .routing(again, then: finish)
        }
        expansions[id]?.pausedUntil = now + configuration.retryPause
    }
}

/// A batch of jobs on its way from the intake to the logs.
package struct Expansion: Sendable {
    enum Stage: Sendable {
        case ordering([Candidate])
        case expanding([ExpansionJob])
        case routing([RoutedEntry], then: Finish)
        case finishing(Finish)
    }

    /// What remains to be done when everything is routed.
    enum Finish: Sendable {
        case entries([IntakeReference])
        case parked([ActivityID])

        var isEmpty: Bool {
            switch self {
            case .entries(let references): references.isEmpty
            case .parked(let activities): activities.isEmpty
            }
        }
    }

    var lane: Lane
    var stage: Stage
    /// After a failure: try again then.
    var pausedUntil: Instant?

    var isBeingOrdered: Bool { if case .ordering = stage { true } else { false } }
}
