/// From the partitions' logs to open deliveries: read, open; and closed again.
extension DeliveryMachine {
    // MARK: Reading

    mutating func advanceLogs() {
        if let pause = logPausedUntil, now >= pause { logPausedUntil = nil }
        guard isRedisUp, isPostgresUp, !isDraining, readingLogs == nil, logPausedUntil == nil,
            unopened.weight < configuration.readAheadLimit
        else { return }
        let cursors = partitions.readable
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
                asked[partition] == LogPosition(epoch: owned.epoch, cursor: owned.cursor),
                // It has come into doubt since; it is read again.
                owned.examinationDue == nil
            else { continue }
            for var entry in entries where entry.id > owned.cursor {
                partitions.update(partition) { $0.cursor = entry.id }
                let isFresh = entry.isFresh
                entry.flag(upTo: owned.rebuilt)
                if case .malformed(let reason) = entry.content {
                    // Nobody can say what it owes, so nothing may end it.
                    note(
                        .error,
                        "log entry \(entry.id) of partition \(partition.rawValue) stays there, "
                            + "it cannot be read: \(reason)")
                    continue
                }
                if owned.isCatchingUp {
                    partitions.update(partition) { $0.keep(entry, apart: isFresh) }
                } else {
                    unopened.append(
                        UnopenedEntry(partition: partition, entry: entry, mustBeChecked: false))
                }
            }
        }
        for (partition, position) in asked.sorted(by: { $0.key < $1.key })
        where partitions.isRead(partition, under: position.epoch) {
            // A short answer means the end of the log: what comes from now on is ours alone.
            let isShort = counts[partition, default: 0] < configuration.readCount
            catchUp(partition, isAtEnd: isShort)
        }
    }

    /// What a former owner has left in the log is opened oldest activity first: retries stand
    /// in it behind their successors or among older ones, and only the former owner's memory kept
    /// them apart.
    private mutating func catchUp(_ partition: PartitionNumber, isAtEnd: Bool) {
        guard case .owned(let owned) = partitions[partition], owned.isCatchingUp,
            isAtEnd || owned.leftWeight >= Self.leftLimit
        else { return }
        partitions.update(partition) {
            $0.isCatchingUp = !isAtEnd
            $0.left = []
            $0.leftWeight = 0
            if isAtEnd { $0.fresh = [] }
        }
        let entries = isAtEnd ? owned.left + owned.fresh : owned.left
        let parts = entries.flatMap { UnopenedEntry.left($0, in: partition) }
        let byAge = parts.sorted { ($0.entry.oldest, $0.entry.id) < ($1.entry.oldest, $1.entry.id) }
        for part in byAge { unopened.append(part) }
    }

    /// The weight of what is sorted at once, some thousand entries or 256 full ones of a partition; of
    /// a longer log those that were read first go first.
    static let leftLimit = 256 * (LogEntry.inboxLimit + 16)
    /// For whatever comes next.
    var hasRoom: Bool {
        deliveries.count < configuration.openLimit && openBytes < configuration.openByteLimit
    }

    /// What is opened next: while there is room whose turn it is, of the reserve what is urgent or of
    /// a sender that does not fill the table itself.
    private mutating func nextUnopened() -> UnopenedEntry? {
        if hasRoom { return unopened.popFirst() }
        guard openBytes < configuration.openByteLimit, openLimitLeft else { return nil }
        let (counts, limit) = (openBySender, configuration.lightSenderLimit)
        return unopened.popFirst { lane, sender in
            lane == .urgent || counts[sender, default: 0] < limit
        }
    }

    /// Opens what was read, as far as there is room, and asks PostgreSQL about it in one go.
    mutating func openEntries() {
        guard isPostgresUp, !unopened.isEmpty else { return }
        // Bodies on their way are not counted in bytes yet, so they are in number.
        let loading = preparations.values.reduce(0) { $0 + $1.asked.count }
        guard loading < configuration.loadingLimit else { return }
        var preparation = Preparation(id: PreparationID(rawValue: nextToken()))
        while preparation.deliveries.count < configuration.preparationLimit,
            loading + preparation.asked.count < configuration.loadingLimit,
            let next = nextUnopened()
        {
            guard case .owned = partitions[next.partition] else { continue }
            open(next, into: &preparation)
        }
        ask(preparation)
    }

    /// Asks PostgreSQL about what was opened.
    mutating func ask(_ opened: Preparation) {
        guard !opened.deliveries.isEmpty else { return }
        var preparation = opened
        preparation.request.inboxes = Set(preparation.request.inboxes).sorted()
        preparations[preparation.id] = preparation
        emit(.prepare(preparation.id, preparation.request))
    }

    private mutating func open(_ next: UnopenedEntry, into preparation: inout Preparation) {
        let (index, check) = (place(of: next), next.mustBeChecked)
        switch next.entry.content {
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
                let opened = open(
                    pointer, of: .unknown, lane: .backfill, hasWaited: true,
                    check: true, in: index,
                    into: &preparation)
                guard let opened else { continue }
                deliveries[opened.rawValue].isInherited = check
                deliveries[opened.rawValue].isOutOfPlace = check
            }
        case .malformed:
            preconditionFailure("a malformed entry is passed over when it is read")
        }
        concludeIfDecided(index)
    }

    /// Where its entry stands among the open ones: of one in parts, where the first was put.
    private mutating func place(of next: UnopenedEntry) -> EntryIndex {
        let (partition, id) = (next.partition, next.entry.id)
        let index =
            partlyOpen[partition]?.removeValue(forKey: id)
            ?? EntryIndex(rawValue: entries.insert(OpenEntry(partition: partition, id: id)))
        entries[index.rawValue].isPartlyOpen = next.hasMoreBehind
        if next.hasMoreBehind { partlyOpen[partition, default: [:]][id] = index }
        return index
    }

    /// - Returns: nil: it is open already by another entry, which answers for it.
    @discardableResult
    mutating func open(
        _ pointer: DeliveryPointer, of sender: SenderID, lane: Lane, hasWaited: Bool, check: Bool,
        in entry: EntryIndex, into preparation: inout Preparation
    ) -> DeliveryIndex? {
        // Where it stands: a copy of the activity would copy the set of all its inboxes.
        let isNew = activities[pointer.activity, default: OpenActivity()].inboxes
            .insert(pointer.inbox).inserted
        guard isNew else { return nil }
        // Asked for even if another preparation asks too: the answers come in any order.
        if activities[pointer.activity]?.facts == nil,
            preparation.asked.insert(pointer.activity).inserted
        {
            preparation.request.activities.append(pointer.activity)
        }
        if check {
            preparation.request.checks[pointer.activity, default: []].append(pointer.inbox)
        }
        preparation.request.inboxes.append(pointer.inbox)
        var delivery = OpenDelivery(
            entry: entry, activity: pointer.activity, inbox: pointer.inbox,
            attempts: pointer.attempts, lane: lane, hasWaited: hasWaited,
            phase: .preparing(preparation.id), admitted: now)
        delivery.sender = sender
        countOpened(of: sender)
        let index = DeliveryIndex(rawValue: deliveries.insert(delivery))
        preparation.deliveries.append(index)
        entries[entry.rawValue].undecided += 1
        opened += 1
        openCounts[entries[entry.rawValue].partition, default: 0] += 1
        return index
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
