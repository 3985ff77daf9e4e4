internal import DequeModule

/// What concerns one object is expanded in the order in which it was enqueued, whoever reads it.
///
/// All workers read one consumer group, so a Create may be in one's hands and its Update, enqueued a
/// millisecond later, in another's. Before a batch with such a job is expanded, Redis is asked which
/// earlier entries of the lane are not finished yet and may concern the same object. With one of
/// them in the same batch a job goes along, behind it; for any other it is set aside, and asks again
/// after a pause, while the rest of the lane goes on. A predecessor has gone only when its entry
/// has, which is after it was stored and routed: so ids in PostgreSQL and places in the logs have
/// the order of the lane, per key.
///
/// It waits for smaller ids only, so there is no circle, and never for ever: a predecessor is
/// finished, or set aside as rejected, or claimed from a worker that is gone, whoever waits for it.
/// None can come later: Redis gives the entries of a lane out in their order, and one that
/// it gives out anew (its group was lost) is not finished either. Entries of two lanes are not
/// compared.
extension DeliveryMachine {
    var followerCount: Int { followers.values.reduce(0) { $0 + $1.count } }

    /// When one of those that wait asks again, as far as its lane may go on.
    var followersDue: Instant? {
        let free = followers.filter { lane, _ in
            !isResting(lane) && !expansions.values.contains { $0.lane == lane }
        }
        return free.values.flatMap { $0 }.map(\.due).min()
    }

    /// The next batch of a lane, in its order: what has arrived, and what has waited long enough.
    ///
    /// Both have their share of its jobs and recipients: those that wait must not hide the one that they
    /// wait for, and a lane that is never empty must not hide them.
    mutating func takeCandidates(of lane: Lane) -> [Candidate] {
        let limit = configuration.expansionLimit
        let arrivedCount = arrived[lane]?.count ?? 0
        var waiting = followers[lane] ?? []
        var room = ExpansionRoom(half: configuration)
        let due = waiting.filter { $0.due <= now }.sorted { $0.due < $1.due }
            .prefix(max(limit / 2, limit - arrivedCount, 1))
            .prefix { room.takes($0.job.job) }
        if !due.isEmpty {
            let leaving = Set(due.map(\.job.reference))
            waiting.removeAll { leaving.contains($0.job.reference) }
            followers[lane] = waiting.isEmpty ? nil : waiting
        }
        room.add(ExpansionRoom(half: configuration))
        let fresh = (arrived[lane] ?? []).prefix(limit - due.count)
            .prefix { room.takes($0.job) }
        arrived[lane]?.removeFirst(fresh.count)
        if arrived[lane]?.isEmpty == true { arrived[lane] = nil }
        return (due + fresh.map { Candidate(job: $0) })
            .sorted { $0.job.reference.id < $1.job.reference.id }
    }

    mutating func predecessorsFound(_ id: ExpansionID, _ answers: [Predecessors]) {
        guard let expansion = expansions[id], case .ordering(let candidates) = expansion.stage
        else { return countStale() }
        precondition(
            candidates.count { $0.job.job.mayFollow } == answers.count, "one answer a question")
        var answers = answers[...]
        var going: [ExpansionJob] = []
        var ahead: Set<StreamID> = []
        for candidate in candidates {
            if candidate.job.job.mayFollow, let answer = answers.popFirst(),
                !answer.areAll(in: ahead)
            {
                setAside(candidate, in: expansion.lane)
            } else {
                going.append(candidate.job)
                ahead.insert(candidate.job.reference.id)
            }
        }
        expansions[id]?.stage = .expanding(going)
        going.isEmpty ? expansions[id] = nil : perform(id)
    }

    private mutating func setAside(_ candidate: Candidate, in lane: Lane) {
        var candidate = candidate
        let pause = configuration.followerPause
        candidate.pause = min(max(candidate.pause * 2, pause.lowerBound), pause.upperBound)
        candidate.due = now + candidate.pause
        followers[lane, default: []].append(candidate)
        // What is claimed comes on top of the limit. The newest is let go: nobody waits for
        // it, and `recoverIntake` brings it back.
        guard followerCount > configuration.intakeLimit * 2,
            let last = followers[lane]?.indices.max(by: {
                followers[lane]?[$0].job.reference.id ?? .zero
                    < followers[lane]?[$1].job.reference.id ?? .zero
            }), let forgotten = followers[lane]?.remove(at: last)
        else { return }
        inHand[forgotten.job.reference] = nil
    }
}

extension Predecessors {
    fileprivate func areAll(in ahead: Set<StreamID>) -> Bool {
        switch self {
        case .these(let ids): ids.allSatisfy(ahead.contains)
        case .tooMany: false
        }
    }
}

/// A job that may have its turn.
package struct Candidate: Sendable {
    var job: ExpansionJob
    /// How long it waits before it asks again; doubles each time.
    var pause: Duration = .zero
    var due = Instant(nanoseconds: 0)

    var question: PredecessorQuestion? {
        guard job.job.mayFollow else { return nil }
        return PredecessorQuestion(entry: job.reference.id, needle: job.job.orderingNeedle)
    }
}
