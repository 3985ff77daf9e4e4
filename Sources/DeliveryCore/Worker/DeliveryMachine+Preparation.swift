/// From open deliveries to their hosts' queues: PostgreSQL says what it knows of them, and each is
/// admitted, oldest first: to its chain, its host, or where it waits.
extension DeliveryMachine {
    mutating func advancePreparations() {
        guard isPostgresUp else { return }
        let due = preparations.values.filter { $0.pausedUntil.map { now >= $0 } ?? false }
        for preparation in due.sorted(by: { $0.id.rawValue < $1.id.rawValue }) {
            let id = preparation.id
            preparations[id]?.pausedUntil = nil
            emit(.prepare(id, preparation.request))
        }
    }

    mutating func preparationFailed(_ id: PreparationID) {
        guard preparations[id] != nil else { return countStale() }
        preparations[id]?.pausedUntil = now + configuration.retryPause
        preparations[id]?.failures += 1
    }

    /// What was read first is admitted first: PostgreSQL may answer in another order. One that it
    /// keeps refusing waits alone.
    mutating func prepared(_ id: PreparationID, _ facts: PreparedFacts) {
        guard preparations[id] != nil else { return countStale() }
        preparations[id]?.facts = facts
        while let first = firstPreparation, let facts = first.facts {
            preparations[first.id] = nil
            admit(first, facts)
        }
    }

    private var firstPreparation: Preparation? {
        preparations.values.filter { $0.facts != nil || $0.failures < Preparation.failureLimit }
            .min { $0.id.rawValue < $1.id.rawValue }
    }

    private mutating func admit(_ preparation: Preparation, _ facts: PreparedFacts) {
        for (activity, known) in facts.activities {
            guard let open = activities[activity] else {
                // All its deliveries were given up while PostgreSQL was asked.
                emit(.forget(activity))
                continue
            }
            // What is set aside is asked for anew with each of its deliveries: it may be released.
            if open.facts == nil, known.quarantine == nil {
                activities[activity]?.facts = known
                openBytes += known.size
            }
            // Others of its chain may have been loaded before the Delete was stored.
            if known.isSuperseded, let order = known.order { rememberDeletion(order) }
        }
        var missing: Set<ActivityID> = []
        let ours = preparation.deliveries.filter {
            deliveries.contains($0.rawValue)
                && deliveries[$0.rawValue].phase == .preparing(preparation.id)
        }
        let whole = Set(ours.map { deliveries[$0.rawValue].entry }).filter {
            !entries[$0.rawValue].isPartlyOpen
        }
        let prepared = whole.map {
            (entries[$0.rawValue].partition, entries[$0.rawValue].resolution.entry)
        }
        defer { for (partition, entry) in prepared { releaseAdmitted(partition, entry) } }
        // Of a chain the older one first: a former owner had brought a successor back before it.
        let byAge = ours.sorted {
            (deliveries[$0.rawValue].activity, deliveries[$0.rawValue].inbox)
                < (deliveries[$1.rawValue].activity, deliveries[$1.rawValue].inbox)
        }
        for index in byAge {
            // One of them may have ended another.
            guard deliveries.contains(index.rawValue),
                deliveries[index.rawValue].phase == .preparing(preparation.id)
            else { continue }
            let delivery = deliveries[index.rawValue]
            let known = facts.setAside(delivery.activity) ?? activities[delivery.activity]?.facts
            if facts.settled[delivery.activity]?.contains(delivery.inbox) == true {
                tally.duplicatesSuppressed += 1
                let host = facts.inboxes[delivery.inbox]?.host
                decide(index)
                if let host, let order = known?.order {
                    passTurn(of: delivery.pointer, in: ChainKey(host: host, order: order))
                }
                continue
            }
            guard let activity = known else {
                // PostgreSQL does not know it (it failed over to a replica that lagged): the
                // entry stays in the log for people to see, and is not sent.
                missing.insert(delivery.activity)
                leave(index)
                continue
            }
            guard let inbox = facts.inboxes[delivery.inbox] else {
                let failure = FlushBatch.Failure(
                    activity: delivery.activity, inbox: delivery.inbox, reason: "unknown-inbox",
                    status: nil, detail: "the inbox has no usable address in trunkline.inbox")
                settle(index, .failed(failure))
                continue
            }
            admit(index, activity: activity, inbox: inbox)
        }
        for activity in missing.sorted() {
            note(
                .error,
                "activity \(activity.rawValue) is owed but not in PostgreSQL; its log entries stay")
        }
    }

    /// A delivery of an activity that is nowhere. A fan-out's entry stays as it is; a pointer
    /// shares its entry with other activities, so it waits in `later` and lets them go.
    private mutating func leave(_ index: DeliveryIndex) {
        let delivery = deliveries[index.rawValue]
        guard delivery.hasWaited else { return close(index) }
        putOff(index, until: wall + .seconds(3_600))
    }

    /// Moves one that was not tried to `later`: it is owed as before, and only waits elsewhere.
    mutating func putOff(_ index: DeliveryIndex, until due: WallTime) {
        let delivery = deliveries[index.rawValue]
        entries[delivery.entry.rawValue].resolution.laters.append(
            delivery.later(due: due))
        decide(index)
    }

    private mutating func admit(
        _ index: DeliveryIndex, activity: PreparedFacts.Activity, inbox: PreparedFacts.Inbox
    ) {
        learn(of: inbox, in: entries[deliveries[index.rawValue].entry.rawValue].partition)
        deliveries[index.rawValue].lane = activity.lane
        assign(activity.sender, to: index)
        deliveries[index.rawValue].order = activity.order
        deliveries[index.rawValue].host = inbox.host
        deliveries[index.rawValue].url = inbox.url
        deliveries[index.rawValue].inboxHasStrikes = inbox.hasStrikes
        deliveries[index.rawValue].admitted = now
        if activity.mayFollow, activity.kind != .deletion, !isReleased(deliveries[index.rawValue]) {
            deliveries[index.rawValue].isOutOfPlace = deliveries[index.rawValue].hasWaited
        }
        let delivery = deliveries[index.rawValue]
        guard let host = hosts[inbox.host] else { preconditionFailure("admitted without a host") }
        if let end = earlyEnd(of: delivery, activity, at: host) {
            settle(index, end)
            if let chain = delivery.chain { passTurn(of: delivery.pointer, in: chain) }
            return
        }
        if takesTurn(index, activity, isAdmitted: true) { place(index) }
    }

    /// This owner has brought it back from its host's held queue: all that is older came before it.
    private func isReleased(_ delivery: OpenDelivery) -> Bool {
        let entry = entries[delivery.entry.rawValue]
        return releasedEntries[entry.partition]?[entry.resolution.entry] != nil
    }

    /// Of one that ends before it has a turn.
    private mutating func earlyEnd(
        of delivery: OpenDelivery, _ activity: PreparedFacts.Activity, at host: Host
    ) -> Settlement.End? {
        if let why = activity.quarantine {
            return .failed(
                FlushBatch.Failure(
                    activity: delivery.activity, inbox: delivery.inbox,
                    reason: Quarantine.reason, status: nil, detail: why))
        }
        if let expires = activity.expires, expires <= wall {
            return .outcome(.expired, delivery.activity, delivery.inbox)
        }
        if delivery.hasWaited, let id = delivery.host {
            let failure = exhausted(delivery, after: .zero, nil)
            if host.circuit.isOpen { hosts[id]?.isSheddingExpired = failure != nil }
            if let failure { return .failed(failure) }
        }
        guard isSuperseded(activity) else { return nil }
        return .outcome(.superseded, delivery.activity, delivery.inbox)
    }

    /// Of what comes back from Redis the sender is known only now.
    private mutating func assign(_ sender: SenderID, to index: DeliveryIndex) {
        countClosed(of: deliveries[index.rawValue].sender)
        deliveries[index.rawValue].sender = sender
        countOpened(of: sender)
    }

    mutating func countOpened(of sender: SenderID) { openBySender[sender, default: 0] += 1 }

    mutating func countClosed(of sender: SenderID) {
        let left = (openBySender[sender] ?? 0) - 1
        openBySender[sender] = left > 0 ? left : nil
    }

    /// To its host, or to where it waits for its host.
    mutating func place(_ index: DeliveryIndex) {
        let delivery = deliveries[index.rawValue]
        guard let id = delivery.host, let host = hosts[id] else {
            preconditionFailure("placed without a host")
        }
        if host.control.isBlocked {
            settle(index, .outcome(.dropped, delivery.activity, delivery.inbox))
        } else if isPaused(delivery), delivery.goesToHead || !host.isBacklogAhead {
            // Behind a backlog it stays behind: what it must not overtake may be in there.
            postpone(index)
        } else if host.circuit.isOpen {
            admitToOpen(index, host: id)
        } else if host.isSuspended(at: now) {
            hold(index, atHead: delivery.goesToHead)
        } else if host.isBehindBacklog(delivery) {
            // At the head too it goes behind what is older.
            hold(index, atHead: delivery.goesToHead)
        } else {
            enqueue(index)
        }
    }
}

extension PreparedFacts {
    /// nil: it is not set aside.
    fileprivate func setAside(_ id: ActivityID) -> Activity? {
        guard let activity = activities[id], activity.quarantine != nil else { return nil }
        return activity
    }
}

/// Deliveries that wait for what PostgreSQL knows of them.
package struct Preparation: Sendable {
    let id: PreparationID
    var request = PreparationRequest()
    var asked: Set<ActivityID> = []
    var deliveries: [DeliveryIndex] = []
    var pausedUntil: Instant?
    var failures = 0
    /// With so many the others do not wait for it any more.
    static let failureLimit = 3
    /// The answer, while an earlier one is awaited.
    var facts: PreparedFacts?

    init(id: PreparationID) { self.id = id }
}
