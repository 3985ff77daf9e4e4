internal import DequeModule

/// Log entries that were read and wait for room, by lane and sender.
///
/// A celebrity's fan-out stands in every log, hundreds of deliveries an entry. So that nobody waits
/// behind it, the log is read on (an entry that waits is four bytes a delivery), and lanes, in a
/// lane senders, take turns with their entries. What comes back from a held queue or from `later` has
/// every third turn: it is never more than can soon be opened. So has what a former owner left, in
/// the order in which it is given; what its senders have sent since, in the same lane, waits behind
/// it, and so does what comes back to the same partition, unless it is older: a successor may be in
/// it that had been put off.
package struct UnopenedEntries: Sendable {
    private struct Turns: Sendable {
        var entries: [SenderID: Deque<UnopenedEntry>] = [:]
        var senders: Deque<SenderID> = []
    }

    private var lanes = Array(repeating: Turns(), count: Lane.allCases.count)
    private var returned: Deque<UnopenedEntry> = []
    private var left: Deque<UnopenedEntry> = []
    /// How many fan-outs are in ``left``.
    private var leftCounts: [Line: Int] = [:]

    private struct Line: Hashable {
        var lane: Lane
        var sender: SenderID
    }
    /// 0: `returned`; 1: `left`; 2: the lanes.
    private var turn = 0
    private var rotation = LaneRotation()
    /// Deliveries, and 16 for each entry: about four bytes each.
    package private(set) var weight = 0

    package init() {}

    package var isEmpty: Bool { weight == 0 }

    package mutating func append(_ entry: UnopenedEntry) {
        weight += entry.weight
        if entry.mustBeChecked {
            if let line = line(of: entry) { leftCounts[line, default: 0] += 1 }
            return left.append(entry)
        }
        guard case .fanout(let fanout) = entry.entry.content else {
            if followsLeft(entry) { left.append(entry) } else { returned.append(entry) }
            return
        }
        let lane = Int(fanout.lane.rawValue)
        if lanes[lane].entries[fanout.sender] == nil { lanes[lane].senders.append(fanout.sender) }
        lanes[lane].entries[fanout.sender, default: []].append(entry)
    }

    package mutating func popFirst() -> UnopenedEntry? {
        for _ in 0..<3 {
            defer { turn = (turn + 1) % 3 }
            switch turn {
            case 0: if let entry = pop(\.returned) { return entry }
            case 1: if let entry = popLeft() { return entry }
            default: if let entry = popFanout(where: { _, _ in true }) { return entry }
            }
        }
        return nil
    }

    /// In turns what comes back, and fan-outs of certain senders.
    package mutating func popFirst(
        where mayOpen: (Lane, SenderID) -> Bool
    ) -> UnopenedEntry? {
        turn = turn == 0 ? 2 : 0
        if turn == 0, let entry = pop(\.returned) { return entry }
        return popFanout(where: mayOpen) ?? pop(\.returned)
    }

    private mutating func popFanout(
        where mayOpen: (Lane, SenderID) -> Bool
    ) -> UnopenedEntry? {
        var open: LaneSet = []
        var places: [Lane: Int] = [:]
        for lane in Lane.allCases {
            let senders = lanes[Int(lane.rawValue)].senders
            let place = senders.firstIndex {
                leftCounts[Line(lane: lane, sender: $0)] == nil && mayOpen(lane, $0)
            }
            guard let place else { continue }
            open.insert(lane)
            places[lane] = place
        }
        guard let lane = rotation.next(among: open), let place = places[lane] else { return nil }
        let number = Int(lane.rawValue)
        let sender = lanes[number].senders.remove(at: place)
        guard let entry = lanes[number].entries[sender]?.popFirst() else {
            preconditionFailure("a sender without entries has a turn")
        }
        if lanes[number].entries[sender]?.isEmpty == true {
            lanes[number].entries[sender] = nil
        } else {
            lanes[number].senders.append(sender)
        }
        weight -= entry.weight
        return entry
    }

    /// In no particular order.
    package func forEach(_ look: (LogEntry) -> Void) {
        for entry in returned { look(entry.entry) }
        for entry in left { look(entry.entry) }
        for lane in lanes {
            for queue in lane.entries.values {
                for entry in queue { look(entry.entry) }
            }
        }
    }

    package mutating func removeAll(of partition: PartitionNumber) {
        var kept: [UnopenedEntry] = []
        let before = self
        self = UnopenedEntries()
        rotation = before.rotation
        kept += before.returned
        kept += before.left
        for lane in before.lanes {
            for sender in lane.senders { kept += lane.entries[sender] ?? [] }
        }
        for entry in kept where entry.partition != partition { append(entry) }
    }

    /// Only what a former owner left counts, or what comes back would wait for its like for ever.
    private func followsLeft(_ entry: UnopenedEntry) -> Bool {
        left.contains {
            $0.mustBeChecked && $0.partition == entry.partition
                && $0.entry.oldest < entry.entry.newest
        }
    }

    private func line(of entry: UnopenedEntry) -> Line? {
        guard case .fanout(let fanout) = entry.entry.content else { return nil }
        return Line(lane: fanout.lane, sender: fanout.sender)
    }

    private mutating func popLeft() -> UnopenedEntry? {
        guard let entry = pop(\.left) else { return nil }
        if let line = line(of: entry) {
            let count = (leftCounts[line] ?? 0) - 1
            leftCounts[line] = count > 0 ? count : nil
        }
        return entry
    }

    private mutating func pop(
        _ queue: WritableKeyPath<Self, Deque<UnopenedEntry>>
    ) -> UnopenedEntry? {
        guard let entry = self[keyPath: queue].popFirst() else { return nil }
        weight -= entry.weight
        return entry
    }
}

/// A log entry that waits for room.
package struct UnopenedEntry: Sendable {
    package var partition: PartitionNumber
    package var entry: LogEntry
    /// A former owner may have worked on it.
    package var mustBeChecked: Bool
    /// It is a part of the entry in the log; others come behind it.
    var hasMoreBehind = false

    package init(partition: PartitionNumber, entry: LogEntry, mustBeChecked: Bool) {
        self.partition = partition
        self.entry = entry
        self.mustBeChecked = mustBeChecked
    }

    /// What a former owner left, one activity at a time: what has come back together from a held queue
    /// or from `later` need not wait together for what stands elsewhere in the log.
    static func left(_ entry: LogEntry, in partition: PartitionNumber) -> [UnopenedEntry] {
        guard case .pointers(let pointers) = entry.content, entry.oldest < entry.newest else {
            return [UnopenedEntry(partition: partition, entry: entry, mustBeChecked: true)]
        }
        let byAge = Dictionary(grouping: pointers, by: \.activity).sorted { $0.key < $1.key }
        var parts = byAge.map { _, pointers in
            var part = UnopenedEntry(
                partition: partition, entry: LogEntry(id: entry.id, content: .pointers(pointers)),
                mustBeChecked: true)
            part.hasMoreBehind = true
            return part
        }
        parts[parts.endIndex - 1].hasMoreBehind = false
        return parts
    }

    fileprivate var weight: Int { entry.weight }
}

extension LogEntry {
    /// Deliveries, and 16 for the entry: about four bytes each.
    var weight: Int {
        switch content {
        case .fanout(let fanout): fanout.inboxes.count + 16
        case .pointers(let pointers): pointers.count * 4 + 16
        case .malformed: 16
        }
    }
}
