package import DeliveryCore

/// What the machine can see of PostgreSQL: activities, what became of deliveries, epochs.
package struct SimulatedPostgres {
    package struct Activity {
        package var job: Int
        package var lane: Lane
        package var stored: WallTime
        package var expires: WallTime?
        package var sender: Int
        package var orderingKey: UInt64
        package var kind: TrafficKind
        package var inboxes: [InboxID]
    }

    package enum End: Equatable, Sendable {
        case outcome(OutcomeState)
        case failed(reason: String)
    }

    private var activities: [Activity] = []
    /// Job -> activity, by idempotency key.
    private(set) var intake: [Int: ActivityID] = [:]
    package private(set) var settled: [Delivery: End] = [:]
    /// Stored, and not to be routed yet.
    package private(set) var parked: Set<ActivityID> = []
    /// Parked, and about to be routed: a rebuild in between brings them back.
    private var waking: Set<ActivityID> = []
    /// When each activity was given to Redis, by its number.
    private var given: [Given] = []
    /// Deliveries without an end of each, by its number.
    private var owedCounts: [Int] = []
    private var deletions: Set<Object> = []
    private var epochs: [PartitionNumber: Epoch] = [:]
    /// The Redis process that had each partition whole.
    private var processes: [PartitionNumber: String] = [:]
    private var flushes: Set<FlushKey> = []
    /// Of activities that are stored, whatever Redis says.
    package private(set) var owedCount = 0
    var hostConditions: [HostID: KeptState] = [:]
    /// All that ever stood in an audience.
    private(set) var inboxes: Set<InboxID> = []
    /// Those that have answered 404 or 410 and nothing better since.
    var struck: Set<InboxID> = []
    /// How often workers crashed with these in hand.
    private var crashes: [WorkItem: Int] = [:]

    /// To be routed, the first time or once more.
    struct Given {
        var at: Instant
        /// No activity was newer then.
        var asOf: ActivityID
    }

    private struct Object: Hashable {
        var sender: Int
        var orderingKey: UInt64

        init(_ activity: Activity) {
            sender = activity.sender
            orderingKey = activity.orderingKey
        }
    }

    private struct FlushKey: Hashable {
        var worker: Incarnation
        var id: FlushID
    }

    package func activity(_ id: ActivityID) -> Activity? {
        let place = Int(id.rawValue) - 1
        return activities.indices.contains(place) ? activities[place] : nil
    }

    package func epoch(_ partition: PartitionNumber) -> Epoch? { epochs[partition] }

    mutating func takeEpoch(_ partition: PartitionNumber) -> Epoch {
        let next = Epoch(rawValue: (epochs[partition]?.rawValue ?? 0) + 1)
        epochs[partition] = next
        return next
    }

    mutating func expand(
        _ activity: Activity, parked isParked: Bool, at now: Instant
    ) -> (id: ActivityID, again: Bool) {
        if let id = intake[activity.job] { return (id, true) }
        activities.append(activity)
        if activity.kind == .delete { deletions.insert(Object(activity)) }
        let id = ActivityID(rawValue: Int64(activities.count))
        intake[activity.job] = id
        if isParked { parked.insert(id) }
        given.append(Given(at: now, asOf: id))
        owedCounts.append(activity.inboxes.count)
        owedCount += activity.inboxes.count
        inboxes.formUnion(activity.inboxes)
        return (id, false)
    }

    mutating func park(_ id: ActivityID) { parked.insert(id) }

    mutating func wake(_ activities: [ActivityID], at now: Instant) {
        for id in activities where parked.contains(id) {
            waking.insert(id)
            note(given: id, at: now)
        }
    }

    mutating func unpark(_ activities: [ActivityID], at now: Instant) {
        for id in activities where parked.remove(id) != nil {
            waking.remove(id)
            note(given: id, at: now)
        }
    }

    private mutating func note(given id: ActivityID, at now: Instant) {
        given[Int(id.rawValue) - 1] = Given(
            at: now, asOf: ActivityID(rawValue: newest.rawValue + 1))
    }

    // MARK: What workers crashed with

    mutating func noteCrash(of item: WorkItem) { crashes[item, default: 0] += 1 }

    func isQuarantined(_ item: WorkItem) -> Bool {
        crashes[item, default: 0] >= Quarantine.crashLimit
    }

    // MARK: What Redis has lost

    func record(of partition: PartitionNumber) -> PartitionRecord {
        PartitionRecord(generation: "g", process: processes[partition])
    }

    mutating func noteWhole(_ lease: OwnedLease, at process: String) {
        if epochs[lease.partition] == lease.epoch { processes[lease.partition] = process }
    }

    var newest: ActivityID { ActivityID(rawValue: Int64(activities.count)) }

    /// Activities that owe something, were stored after this one, and given to Redis at a time that
    /// fits; so many.
    func owingPage(
        after: ActivityID, count: Int, where fits: (Given) -> Bool
    ) -> [ActivityID] {
        var found: [ActivityID] = []
        for place in owedCounts.indices.dropFirst(Int(after.rawValue))
        where owedCounts[place] > 0 && fits(given[place]) {
            found.append(ActivityID(rawValue: Int64(place + 1)))
            if found.count == count { break }
        }
        return found
    }

    /// What activities up to that one owe to these inboxes, as far as they were given to Redis when
    /// there was a newer one than this.
    func owed(
        givenAfter mark: ActivityID, upTo last: ActivityID, where isAsked: (InboxID) -> Bool
    ) -> [(ActivityID, Activity, [InboxID])] {
        guard last > .zero else { return [] }
        return (1...last.rawValue).map(ActivityID.init(rawValue:)).compactMap {
            let place = Int($0.rawValue) - 1
            guard owedCounts[place] > 0, given[place].asOf > mark, let activity = activity($0),
                !parked.contains($0) || waking.contains($0)
            else { return nil }
            let id = $0
            let owed = activity.inboxes.filter {
                isAsked($0) && settled[Delivery(activity: id, inbox: $0)] == nil
            }
            return owed.isEmpty ? nil : (id, activity, owed)
        }
    }

    func prepare(_ request: PreparationRequest) -> PreparedFacts {
        var facts = PreparedFacts(activities: [:], inboxes: [:], settled: [:])
        for id in request.activities {
            guard let activity = activity(id) else { continue }
            facts.activities[id] = activity.facts
            facts.activities[id]?.isSuperseded =
                activity.kind.isRevision && deletions.contains(Object(activity))
            if isQuarantined(.activity(id)) { facts.activities[id]?.quarantine = "it crashes" }
        }
        for inbox in request.inboxes { facts.inboxes[inbox] = self.facts(of: inbox) }
        for (activity, inboxes) in request.checks {
            facts.settled[activity] = Set(
                inboxes.filter { settled[Delivery(activity: activity, inbox: $0)] != nil })
        }
        return facts
    }

    enum FlushEnd {
        /// What has ended by it, and whether it had ended before.
        case committed([(Delivery, End, again: Bool)])
        case fenced([OwnedLease])
    }

    /// Fences are looked at first, also for a sequence that is on record; that changes nothing.
    mutating func flush(_ id: FlushID, _ batch: FlushBatch, by worker: Incarnation) -> FlushEnd {
        let lost = batch.fences.filter { epochs[$0.partition] != $0.epoch }
        guard lost.isEmpty else { return .fenced(lost) }
        guard flushes.insert(FlushKey(worker: worker, id: id)).inserted else {
            return .committed([])
        }
        var ended: [(Delivery, End, again: Bool)] = []
        func settle(_ delivery: Delivery, _ end: End) {
            let isAgain = settled[delivery] != nil
            if !isAgain {
                settled[delivery] = end
                owedCount -= 1
                owedCounts[Int(delivery.activity.rawValue) - 1] -= 1
            }
            ended.append((delivery, end, isAgain))
        }
        for outcome in batch.outcomes {
            for inbox in outcome.inboxes {
                settle(
                    Delivery(activity: outcome.activity, inbox: inbox), .outcome(outcome.state))
            }
        }
        for failure in batch.failures {
            settle(
                Delivery(activity: failure.activity, inbox: failure.inbox),
                .failed(reason: failure.reason))
            if failure.reason == "inbox-gone" { struck.insert(failure.inbox) }
        }
        record(batch)
        return .committed(ended)
    }
}
