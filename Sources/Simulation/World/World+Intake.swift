internal import DeliveryCore

/// The intake as its readers see it.
extension World {
    mutating func readIntake(
        _ lanes: [Lane], _ count: Int, _ number: Int, _ name: Incarnation, _ promise: Promise
    ) -> Performance {
        var found: [(reference: IntakeReference, job: Int)] = []
        for lane in lanes.map({ Int($0.rawValue) }) {
            let part = redis.intake[lane].prefix(count)
            found += part
            redis.intake[lane].removeFirst(part.count)
        }
        let isOver =
            !workers.contains(number) || workers[number].isIntakeReadInterrupted
            || promise.patience <= now
        if found.isEmpty, !isOver { return .wait }
        for (reference, job) in found {
            redis.pending[reference] = SimulatedRedis.Pending(owner: name, job: job, since: now)
        }
        return .answer(.intakeRead(found.map { arrival($0.reference, job: $0.job) }))
    }

    /// Only what has lain for a while is claimed: the worker that read it a moment ago may be newer
    /// than the asker's view of who is alive. Our own is claimed after longer.
    mutating func recoverIntake(
        _ lanes: [Lane], _ alive: Set<Incarnation>, _ name: Incarnation
    ) -> Event {
        let found = redis.pending.filter { reference, entry in
            guard lanes.contains(reference.lane) else { return false }
            let idle = now - entry.since
            if entry.owner == name { return idle >= .seconds(30) }
            return !alive.contains(entry.owner) && idle >= .seconds(5)
        }
        .sorted { ($0.key.lane, $0.key.id) < ($1.key.lane, $1.key.id) }
        .prefix(100)
        for (reference, entry) in found {
            redis.pending[reference] = SimulatedRedis.Pending(
                owner: name, job: entry.job, since: now)
        }
        return .intakeRecovered(
            found.map { reference, entry in
                guard postgres.isQuarantined(.entry(reference)) else {
                    return arrival(reference, job: entry.job)
                }
                return ArrivedEntry(
                    lane: reference.lane, id: reference.id,
                    content: .failure(
                        Rejection(code: Quarantine.reason, reason: "workers crashed with it")))
            })
    }

    private func arrival(_ reference: IntakeReference, job: Int) -> ArrivedEntry {
        guard let activity = jobs[job] else {
            return ArrivedEntry(
                lane: reference.lane, id: reference.id,
                content: .failure(Rejection(code: "not-json", reason: "not JSON")))
        }
        let name = "\(job)"
        // Who they are is looked up by the name; how many they are, if that is known, is for the machine.
        let recipients = Array(repeating: Recipient(inbox: ""), count: activity.inboxes.count)
        let audience: AudienceReference =
            job.isMultiple(of: 3) ? .named(name) : .recipients(recipients)
        return ArrivedEntry(
            lane: reference.lane, id: reference.id,
            content: .success(
                Job(
                    lane: reference.lane, activity: [], activityID: name, type: "Create",
                    actor: "", key: "", audience: audience, idempotencyKey: name,
                    orderingKey: activity.text, mayFollow: activity.kind.mayFollow)))
    }

    /// Whatever stands before it in the lane and has the needle in it, be it in somebody's hands or
    /// (after a group was lost) in nobody's.
    func predecessors(_ question: PredecessorQuestion, in lane: Lane) -> Predecessors {
        let pending = redis.pending.lazy.filter { $0.key.lane == lane }.map {
            (reference: $0.key, job: $0.value.job)
        }
        let earlier = (Array(pending) + redis.intake[Int(lane.rawValue)])
            .filter { $0.reference.id < question.entry }
        guard earlier.count < 1_000 else { return .tooMany }
        let found = earlier.filter { jobs[$0.job]?.text.contains(question.needle) ?? false }
        return .these(found.map(\.reference.id).sorted())
    }

    mutating func expand(_ expansion: ExpansionJob) -> ExpansionResult {
        guard let job = Int(expansion.job.idempotencyKey), var activity = jobs[job] else {
            return .refused(Rejection(code: "unknown", reason: "never produced"))
        }
        activity.stored = wall
        let isParked = isPaused(sender: activity.sender) || isBehindParked(activity.sender)
        let (id, isAgain) = postgres.expand(activity, parked: isParked, at: now)
        if !isAgain { observe(.stored(id)) }
        if postgres.parked.contains(id) { return .parked }
        return .stored(stored(id, activity, activity.inboxes, again: isAgain))
    }

    func stored(
        _ id: ActivityID, _ activity: SimulatedPostgres.Activity, _ inboxes: [InboxID], again: Bool
    ) -> ExpansionResult.Stored {
        var routes = Routes()
        for inbox in inboxes { routes.add(inbox, to: partition(of: inbox)) }
        return ExpansionResult.Stored(
            activity: id, lane: activity.lane,
            sender: SenderID(rawValue: UInt64(activity.sender)), routes: routes, again: again)
    }
}

extension SimulatedPostgres.Activity {
    /// What stands in its entry, as far as anybody looks for it.
    fileprivate var text: String { "https://our.example/\(orderingKey)" }
}
