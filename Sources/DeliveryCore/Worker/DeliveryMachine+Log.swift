internal import DequeModule

/// From the partitions' logs to the hosts' queues: read, open, prepare, admit.
extension DeliveryMachine {
    // MARK: Reading

    mutating func advanceLogs() {
        if let pause = logPausedUntil, now >= pause { logPausedUntil = nil }
        guard isRedisUp, isPostgresUp, !isDraining, readingLogs == nil, logPausedUntil == nil,
            unopened.weight < configuration.readAheadLimit
        else { return }
        let cursors = partitions.cursors
        guard !cursors.isEmpty else { return }
        readingLogs = [:]
        for cursor in cursors {
            guard let epoch = partitions.epoch(cursor.partition) else { continue }
            readingLogs?[cursor.partition] = LogPosition(epoch: epoch, cursor: cursor.after)
        }
        emit(.readLogs(cursors, count: configuration.readCount))
    }

    mutating func logReadFailed() {
        readingLogs = nil
        logPausedUntil = now + configuration.retryPause
    }

    mutating func logRead(_ batch: [(PartitionNumber, [LogEntry])]) {
        guard let asked = readingLogs else { return countStale() }
        readingLogs = nil
        var counts: [PartitionNumber: Int] = [:]
        for (partition, entries) in batch {
            counts[partition] = entries.count
            guard case .owned(let owned) = partitions[partition],
                asked[partition] == LogPosition(epoch: owned.epoch, cursor: owned.cursor)
            else { continue }
            for entry in entries where entry.id > owned.cursor {
                partitions.update(partition) { $0.cursor = entry.id }
                if case .malformed(let reason) = entry.content {
                    // Nobody can say what it owes, so nothing may end it.
                    note(
                        .error,
                        "log entry \(entry.id) of partition \(partition.rawValue) stays there, "
                            + "it cannot be read: \(reason)")
                    continue
                }
                if owned.isCatchingUp {
                    partitions.update(partition) { $0.left.append(entry) }
                } else {
                    unopened.append(
                        UnopenedEntry(partition: partition, entry: entry, mustBeChecked: false))
                }
            }
        }
        for (partition, position) in asked.sorted(by: { $0.key < $1.key })
        where partitions.epoch(partition) == position.epoch {
            // A short answer means the end of the log: what comes from now on is ours alone.
            let isShort = counts[partition, default: 0] < configuration.readCount
            catchUp(partition, isAtEnd: isShort)
        }
    }

    /// What a former owner has left in the log is opened oldest activity first: it had brought
    /// retries back behind their successors, and knew what had to wait for what.
    private mutating func catchUp(_ partition: PartitionNumber, isAtEnd: Bool) {
        guard case .owned(let owned) = partitions[partition], owned.isCatchingUp,
            isAtEnd || owned.left.count >= Self.leftLimit
        else { return }
        partitions.update(partition) {
            $0.isCatchingUp = !isAtEnd
            $0.left = []
        }
        let byAge = owned.left.sorted { ($0.oldest, $0.id) < ($1.oldest, $1.id) }
        for entry in byAge {
            unopened.append(
                UnopenedEntry(partition: partition, entry: entry, mustBeChecked: true))
        }
    }

    /// Entries of a partition that are sorted at once; of a longer log those that were read first
    /// go first.
    static let leftLimit = 256

    /// For whatever comes next.
    var hasRoom: Bool {
        deliveries.count < configuration.openLimit && openBytes < configuration.openByteLimit
    }

    /// What is opened next: while there is room whose turn it is, of the reserve what is urgent or of
    /// a sender that does not fill the table itself.
    private mutating func nextUnopened() -> UnopenedEntry? {
        if hasRoom { return unopened.popFirst() }
        guard openBytes < configuration.openByteLimit,
            deliveries.count < configuration.openLimit + configuration.openReserve
        else { return nil }
        let (counts, limit) = (openBySender, configuration.lightSenderLimit)
        return unopened.popFirst { lane, sender in
            lane == .urgent || counts[sender, default: 0] < limit
        }
    }

    /// Opens what was read, as far as there is room, and asks PostgreSQL about it in one go.
    mutating func openEntries() {
        // Bodies on their way are not counted in bytes yet, so they are in number.
        let loading = preparations.values.reduce(0) { $0 + $1.asked.count }
        guard isPostgresUp, loading < configuration.loadingLimit, !unopened.isEmpty
        else { return }
        var preparation = Preparation(id: PreparationID(rawValue: nextToken()))
        while preparation.deliveries.count < configuration.preparationLimit,
            loading + preparation.asked.count < configuration.loadingLimit,
            let next = nextUnopened()
        {
            guard case .owned = partitions[next.partition] else { continue }
            open(
                next.entry, of: next.partition, check: next.mustBeChecked, into: &preparation)
        }
        guard !preparation.deliveries.isEmpty else { return }
        preparation.request.inboxes = Set(preparation.request.inboxes).sorted()
        preparations[preparation.id] = preparation
        emit(.prepare(preparation.id, preparation.request))
    }

    private mutating func open(
        _ entry: LogEntry, of partition: PartitionNumber, check: Bool,
        into preparation: inout Preparation
    ) {
        let index = EntryIndex(
            rawValue: entries.insert(OpenEntry(partition: partition, id: entry.id)))
        switch entry.content {
        case .fanout(let fanout):
            for inbox in fanout.inboxes {
                open(
                    DeliveryPointer(activity: fanout.activity, inbox: inbox, attempts: 0),
                    of: fanout.sender, lane: fanout.lane, hasWaited: false,
                    check: check || fanout.again, in: index,
                    into: &preparation)
            }
        case .pointers(let pointers):
            for pointer in pointers {
                open(
                    pointer, of: SenderID(rawValue: 0), lane: .backfill, hasWaited: true,
                    check: true, in: index,
                    into: &preparation)
            }
        case .malformed:
            preconditionFailure("a malformed entry is passed over when it is read")
        }
        concludeIfDecided(index)
    }

    private mutating func open(
        _ pointer: DeliveryPointer, of sender: SenderID, lane: Lane, hasWaited: Bool, check: Bool,
        in entry: EntryIndex, into preparation: inout Preparation
    ) {
        var activity = activities[pointer.activity] ?? OpenActivity()
        // Already open by another entry: that one answers for it.
        guard activity.inboxes.insert(pointer.inbox).inserted else { return }
        // Asked for even if another preparation asks too: the answers come in any order.
        if activity.facts == nil, preparation.asked.insert(pointer.activity).inserted {
            preparation.request.activities.append(pointer.activity)
        }
        activities[pointer.activity] = activity
        if check {
            preparation.request.checks[pointer.activity, default: []].append(pointer.inbox)
        }
        preparation.request.inboxes.append(pointer.inbox)
        var delivery = OpenDelivery(
            entry: entry, activity: pointer.activity, inbox: pointer.inbox,
            attempts: pointer.attempts, lane: lane, hasWaited: hasWaited,
            phase: .preparing(preparation.id), admitted: now)
        delivery.sender = sender
        openBySender[sender, default: 0] += 1
        preparation.deliveries.append(
            DeliveryIndex(rawValue: deliveries.insert(delivery)))
        entries[entry.rawValue].undecided += 1
        opened += 1
        openCounts[entries[entry.rawValue].partition, default: 0] += 1
    }

    // MARK: Preparing

    mutating func advancePreparations() {
        guard isPostgresUp else { return }
        for (id, preparation) in preparations.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard let pause = preparation.pausedUntil, now >= pause else { continue }
            preparations[id]?.pausedUntil = nil
            emit(.prepare(id, preparation.request))
        }
    }

    mutating func preparationFailed(_ id: PreparationID) {
        guard preparations[id] != nil else { return countStale() }
        preparations[id]?.pausedUntil = now + configuration.retryPause
    }

    /// What was read first is admitted first: PostgreSQL may answer in another order.
    mutating func prepared(_ id: PreparationID, _ facts: PreparedFacts) {
        guard preparations[id] != nil else { return countStale() }
        preparations[id]?.facts = facts
        while let first = preparations.values.min(by: { $0.id.rawValue < $1.id.rawValue }),
            let facts = first.facts
        {
            preparations[first.id] = nil
            admit(first, facts)
        }
    }

    private mutating func admit(_ preparation: Preparation, _ facts: PreparedFacts) {
        for (activity, known) in facts.activities {
            guard let open = activities[activity] else {
                // All its deliveries were given up while PostgreSQL was asked.
                emit(.forget(activity))
                continue
            }
            if open.facts == nil {
                activities[activity]?.facts = known
                openBytes += known.size
            }
            // Others of its chain may have been loaded before the Delete was stored.
            if known.isSuperseded, let order = known.order { rememberDeletion(order) }
        }
        var missing: Set<ActivityID> = []
        let prepared = Set(
            preparation.deliveries.filter { deliveries.contains($0.rawValue) }.map {
                deliveries[$0.rawValue].entry
            }
        ).map { (entries[$0.rawValue].partition, entries[$0.rawValue].resolution.entry) }
        defer { for (partition, entry) in prepared { releaseAdmitted(partition, entry) } }
        // Of a chain the older one first: a former owner had brought a successor back before it.
        let ours = preparation.deliveries.filter {
            deliveries.contains($0.rawValue)
                && deliveries[$0.rawValue].phase == .preparing(preparation.id)
        }
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
            if facts.settled[delivery.activity]?.contains(delivery.inbox) == true {
                tally.duplicatesSuppressed += 1
                decide(index)
                continue
            }
            guard let activity = activities[delivery.activity]?.facts else {
                // PostgreSQL does not know it (it failed over to a replica that lagged): the
                // entry stays in the log for people to see, and is not sent.
                missing.insert(delivery.activity)
                setAside(index)
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
    private mutating func setAside(_ index: DeliveryIndex) {
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
        let delivery = deliveries[index.rawValue]
        guard let host = hosts[inbox.host] else { preconditionFailure("admitted without a host") }
        if let expires = activity.expires, expires <= wall {
            return settle(index, .outcome(.expired, delivery.activity, delivery.inbox))
        }
        if delivery.hasWaited {
            let failure = exhausted(delivery, after: .zero, nil)
            if host.circuit.isOpen { hosts[inbox.host]?.isSheddingExpired = failure != nil }
            if let failure { return settle(index, .failed(failure)) }
        }
        if isSuperseded(activity) {
            return settle(index, .outcome(.superseded, delivery.activity, delivery.inbox))
        }
        if takesTurn(index, activity, isAdmitted: true) { place(index) }
    }

    /// Of what comes back from Redis the sender is known only now.
    private mutating func assign(_ sender: SenderID, to index: DeliveryIndex) {
        countClosed(of: deliveries[index.rawValue].sender)
        deliveries[index.rawValue].sender = sender
        openBySender[sender, default: 0] += 1
    }

    private mutating func countClosed(of sender: SenderID) {
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
        } else if host.circuit.isOpen {
            admitToOpen(index, host: id)
        } else if host.isSuspended(at: now) {
            hold(index, atHead: delivery.goesToHead)
        } else if host.isBacklogAhead, !delivery.goesToHead {
            hold(index, atHead: false)
        } else {
            enqueue(index)
        }
    }

    // MARK: Closing

    /// The delivery needs nothing more of its entry: settled, held, or put in `later`.
    mutating func decide(_ index: DeliveryIndex) {
        let entry = deliveries[index.rawValue].entry
        close(index)
        entries[entry.rawValue].undecided -= 1
        concludeIfDecided(entry)
    }

    /// Forgets an open delivery, and its activity with the last one.
    mutating func close(_ index: DeliveryIndex) {
        withdrawProbe(index)
        abandonTurn(index)
        let delivery = deliveries.remove(index.rawValue)
        let partition = entries[delivery.entry.rawValue].partition
        openCounts[partition, default: 0] -= 1
        countClosed(of: delivery.sender)
        activities[delivery.activity]?.inboxes.remove(delivery.inbox)
        if activities[delivery.activity]?.inboxes.isEmpty == true {
            openBytes -= activities[delivery.activity]?.facts?.size ?? 0
            activities[delivery.activity] = nil
            emit(.forget(delivery.activity))
        }
    }
}

/// How far a partition had been read when a read was asked for, and under which ownership.
package struct LogPosition: Equatable, Sendable {
    var epoch: Epoch
    var cursor: StreamID
}

/// Deliveries that wait for what PostgreSQL knows of them.
package struct Preparation: Sendable {
    let id: PreparationID
    var request = PreparationRequest()
    var asked: Set<ActivityID> = []
    var deliveries: [DeliveryIndex] = []
    var pausedUntil: Instant?
    /// The answer, while an earlier one is awaited.
    var facts: PreparedFacts?

    init(id: PreparationID) { self.id = id }
}
