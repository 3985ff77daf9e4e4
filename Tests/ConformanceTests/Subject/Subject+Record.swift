import Testing

@testable import DeliveryCore

/// What is asked of the record, each verb one action and its answer.
extension Subject {
    func prepare(_ request: PreparationRequest, by worker: Hand = .first) throws -> PreparedFacts {
        let id = PreparationID(rawValue: 1)
        return try answer(to: .prepare(id, request), by: worker) { event in
            switch event {
            case .prepared(id, let facts): facts
            case .preparationFailed(id): throw Failed(event: event)
            default: nil
            }
        }
    }

    func facts(of stored: ExpansionResult.Stored) throws -> PreparedFacts.Activity {
        let facts = try prepare(PreparationRequest(activities: [stored.activity]))
        return try #require(facts.activities[stored.activity])
    }

    func facts(of inbox: InboxID) throws -> PreparedFacts.Inbox {
        try #require(try prepare(PreparationRequest(inboxes: [inbox])).inboxes[inbox])
    }

    /// Of an activity's audience those with an end on record.
    func settled(_ stored: ExpansionResult.Stored) throws -> Set<InboxID> {
        let request = PreparationRequest(checks: [stored.activity: stored.inboxes])
        return try prepare(request).settled[stored.activity] ?? []
    }

    func flush(_ number: Int64, _ batch: FlushBatch, by worker: Hand = .first) throws {
        let id = FlushID(rawValue: number)
        try answer(to: .flush(id, batch), by: worker) { event in
            switch event {
            case .flushed(id): ()
            case .flushFailed(id): throw Failed(event: event)
            case .flushFenced(id, let lost): throw Fenced(leases: lost)
            default: nil
            }
        }
    }
}

extension FlushBatch {
    init(fences: [OwnedLease] = [], _ change: (inout FlushBatch) -> Void) {
        self.init()
        self.fences = fences
        change(&self)
    }

    mutating func end(
        _ stored: ExpansionResult.Stored, _ inboxes: [InboxID], _ state: OutcomeState = .delivered
    ) {
        outcomes.append(
            Outcome(
                activity: stored.activity, state: state, epoch: Epoch(rawValue: 1),
                inboxes: inboxes))
    }

    mutating func fail(
        _ stored: ExpansionResult.Stored, _ inbox: InboxID, _ reason: String = "inbox-gone"
    ) {
        failures.append(
            Failure(
                activity: stored.activity, inbox: inbox, reason: reason, status: 410, detail: ""))
    }

    mutating func report(_ host: HostID, _ condition: HostCondition) {
        hosts.append(
            HostReport(
                host: host, partition: PartitionNumber(rawValue: 0), state: .closed, window: 4,
                condition: condition))
    }
}
