import DeliveryCore

/// What the machine can see of PostgreSQL: activities, what became of deliveries, epochs.
struct SimulatedPostgres {
    struct Activity {
        var lane: Lane
        var stored: WallTime
        var expires: WallTime?
        var inboxes: [InboxID]
    }

    private(set) var activities: [ActivityID: Activity] = [:]
    /// Idempotency key (the job's number) -> activity.
    private(set) var intake: [Int: ActivityID] = [:]
    private(set) var settled: Set<Delivery> = []
    private(set) var epochs: [PartitionNumber: Epoch] = [:]
    private var flushes: Set<String> = []
    /// Deliveries whose end was recorded twice.
    private(set) var settledTwice: [Delivery] = []

    /// Of activities that are stored, whatever Redis says.
    var owed: Set<Delivery> {
        var owed: Set<Delivery> = []
        for (id, activity) in activities {
            for inbox in activity.inboxes { owed.insert(Delivery(activity: id, inbox: inbox)) }
        }
        return owed.subtracting(settled)
    }

    mutating func takeEpoch(_ partition: PartitionNumber) -> Epoch {
        let next = Epoch(rawValue: (epochs[partition]?.rawValue ?? 0) + 1)
        epochs[partition] = next
        return next
    }

    mutating func expand(
        _ number: Int, _ activity: Activity
    ) -> (id: ActivityID, stored: Activity, again: Bool) {
        if let id = intake[number], let stored = activities[id] { return (id, stored, true) }
        let id = ActivityID(rawValue: Int64(activities.count) + 1)
        intake[number] = id
        activities[id] = activity
        return (id, activity, false)
    }

    func prepare(_ request: PreparationRequest) -> PreparedFacts {
        var facts = PreparedFacts(activities: [:], inboxes: [:], settled: [:])
        for id in request.activities {
            guard let activity = activities[id] else { continue }
            facts.activities[id] = PreparedFacts.Activity(
                lane: activity.lane, stored: activity.stored, expires: activity.expires, size: 1_000
            )
        }
        for inbox in request.inboxes {
            facts.inboxes[inbox] = PreparedFacts.Inbox(
                url: inbox.url, host: inbox.host, hostName: inbox.host.name)
        }
        for (activity, inboxes) in request.checks {
            facts.settled[activity] = Set(
                inboxes.filter { settled.contains(Delivery(activity: activity, inbox: $0)) })
        }
        return facts
    }

    enum FlushEnd {
        case committed
        case fenced([OwnedLease])
    }

    /// A sequence that is on record changes nothing; only then are the fences looked at.
    mutating func flush(_ id: FlushID, _ batch: FlushBatch, by worker: Incarnation) -> FlushEnd {
        let key = "\(worker.rawValue)/\(id.rawValue)"
        if flushes.contains(key) { return .committed }
        let lost = batch.fences.filter { epochs[$0.partition] != $0.epoch }
        guard lost.isEmpty else { return .fenced(lost) }
        flushes.insert(key)
        for outcome in batch.outcomes {
            for inbox in outcome.inboxes {
                settle(Delivery(activity: outcome.activity, inbox: inbox))
            }
        }
        for failure in batch.failures {
            settle(Delivery(activity: failure.activity, inbox: failure.inbox))
        }
        return .committed
    }

    private mutating func settle(_ delivery: Delivery) {
        if !settled.insert(delivery).inserted { settledTwice.append(delivery) }
    }
}
