import Testing

@testable import DeliveryCore

/// What an expander does, each verb one action and its answer.
extension Subject {
    func readIntake(
        _ lanes: [Lane] = Lane.intake, count: Int = 100, by worker: Hand = .first
    ) throws -> [ArrivedEntry] {
        try ask(.readIntake(lanes, count: count), by: worker)
        try ask(.interruptIntakeRead, by: worker)
        return try intakeRead()
    }

    func intakeRead() throws -> [ArrivedEntry] {
        try next("a read of the intake") { event in
            switch event {
            case .intakeRead(let entries): entries
            case .intakeReadFailed: throw Failed(event: event)
            default: nil
            }
        }
    }

    func recoverIntake(
        _ lanes: [Lane] = Lane.intake, alive: [Hand] = Hand.allCases, by worker: Hand = .first
    ) throws -> [ArrivedEntry] {
        try answer(to: .recoverIntake(lanes, alive: Set(alive.map(\.name))), by: worker) {
            if case .intakeRecovered(let entries) = $0 { entries } else { nil }
        }
    }

    /// Of each of these what stands before it and is in somebody's hands.
    func predecessors(
        of entries: ArrivedEntry..., by worker: Hand = .first
    ) throws -> [Predecessors] {
        let questions = try entries.map {
            PredecessorQuestion(entry: $0.id, needle: try $0.content.get().orderingNeedle)
        }
        let id = ExpansionID(rawValue: 4)
        let lane = try #require(entries.first).lane
        return try answer(to: .findPredecessors(id, lane, questions), by: worker) { event in
            switch event {
            case .predecessorsFound(id, let found): found
            case .predecessorsUnknown(id): throw Failed(event: event)
            default: nil
            }
        }
    }

    func finishIntake(_ entries: [ArrivedEntry], by worker: Hand = .first) throws {
        let id = ExpansionID(rawValue: 2)
        try answer(to: .finishIntake(id, entries.map(\.reference)), by: worker) { event in
            switch event {
            case .intakeFinished(id): ()
            case .intakeFinishFailed(id): throw Failed(event: event)
            default: nil
            }
        }
    }

    func finishUnparking(_ activities: [ActivityID], by worker: Hand = .first) throws {
        let id = ExpansionID(rawValue: 5)
        try answer(to: .finishUnparking(id, activities), by: worker) { event in
            switch event {
            case .intakeFinished(id): ()
            case .intakeFinishFailed(id): throw Failed(event: event)
            default: nil
            }
        }
    }

    func reject(_ entries: [ArrivedEntry], by worker: Hand = .first) throws {
        let rejection = Rejection(code: "not-json", reason: "not JSON")
        try ask(
            .rejectIntake(
                entries.map { RejectedIntake(reference: $0.reference, rejection: rejection) }),
            by: worker)
    }

    func expand(_ entries: [ArrivedEntry], by worker: Hand = .first) throws -> [ExpansionResult] {
        let jobs = try entries.map {
            ExpansionJob(reference: $0.reference, job: try $0.content.get())
        }
        let id = ExpansionID(rawValue: 3)
        return try answer(to: .expand(id, jobs), by: worker) { event in
            switch event {
            case .expanded(id, let results): results
            case .expansionFailed(id): throw Failed(event: event)
            default: nil
            }
        }
    }

    /// From the producer to PostgreSQL, all in one expansion.
    func stored(_ postings: Posting...) throws -> [ExpansionResult.Stored] {
        for posting in postings { try produce(posting) }
        return try expand(try readIntake()).map { result in
            guard case .stored(let stored) = result else {
                throw Unanswered(action: "\(result) of a posting", mailbox: mailbox)
            }
            return stored
        }
    }
}

extension ArrivedEntry {
    var reference: IntakeReference { IntakeReference(lane: lane, id: id) }
    var isMalformed: Bool { if case .failure = content { true } else { false } }
}

extension ExpansionResult.Stored {
    var entries: [(PartitionNumber, Fanout)] {
        routes.entries(activity: activity, lane: lane, again: again)
    }

    var inboxes: [InboxID] { entries.flatMap(\.1.inboxes).sorted() }
}
