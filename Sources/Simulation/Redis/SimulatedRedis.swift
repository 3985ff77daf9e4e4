package import DeliveryCore
package import DequeModule

/// What the machine can see of Redis: streams, held queues, `later`, leases, heartbeats.
///
/// Every method is one command or one script: it happens whole or not at all.
package struct SimulatedRedis {
    package struct Lease {
        var owner: Incarnation
        var epoch: Epoch?
        var expires: Instant
    }

    package struct Pending {
        var owner: Incarnation
        var job: Int
        var since: Instant
    }

    package struct Partition {
        package var log = SimulatedLog()
        package var held: [HostID: Deque<DeliveryPointer>] = [:]
        /// What is known of hosts with a backlog: without its record no owner finds a backlog.
        var records: [HostID: KeptState] = [:]
        var later = SimulatedLater()
        var lease: Lease?
        var mark: PartitionMark?

        var deliveries: [Delivery] {
            log.deliveries + held.values.joined().map(Delivery.init) + later.deliveries
        }

        package var isEmpty: Bool { log.isEmpty && held.isEmpty && later.isEmpty }
        var summary: String {
            "\(log.count)/\(held.values.reduce(0) { $0 + $1.count })/\(later.count)"
        }
    }

    package internal(set) var partitions: [Partition]
    /// Not yet read by anybody, a stream for each lane.
    var intake: [Deque<(reference: IntakeReference, job: Int)>] = Array(
        repeating: [], count: Lane.allCases.count)
    var pending: [IntakeReference: Pending] = [:]
    var heartbeats: [Incarnation: Instant] = [:]
    private var lastID: UInt64 = 0
    /// How often it was started: another process has another run id.
    private var starts = 1

    init(partitionCount: Int) {
        partitions = Array(repeating: Partition(), count: partitionCount)
    }

    mutating func nextID() -> StreamID {
        lastID += 1
        return StreamID(milliseconds: lastID, sequence: 0)
    }

    func holds(_ lease: OwnedLease, _ owner: Incarnation, at now: Instant) -> Bool {
        guard let standing = partitions[lease.partition.rawValue].lease else { return false }
        return standing.owner == owner && standing.epoch == lease.epoch && standing.expires > now
    }

    var process: String { "r\(starts)" }

    var isEmpty: Bool {
        intake.allSatisfy(\.isEmpty) && pending.isEmpty && partitions.allSatisfy(\.isEmpty)
    }

    var summary: String {
        "intake \(intake.reduce(0) { $0 + $1.count })+\(pending.count), log/held/later "
            + partitions.map(\.summary).joined(separator: " ")
    }
}

extension SimulatedRedis {
    // MARK: Losses

    /// FLUSHALL.
    mutating func flush() {
        for number in partitions.indices { partitions[number] = Partition() }
        for lane in intake.indices { intake[lane].removeAll() }
        pending.removeAll()
        heartbeats.removeAll()
    }

    /// A new process has read what it had then; ids come from the clock and do not go back.
    mutating func restart(with earlier: SimulatedRedis) {
        let (id, starts) = (lastID, starts)
        self = earlier
        lastID = id
        self.starts = starts + 1
    }

    /// All that stands anywhere, as often as it does.
    var deliveries: [Delivery] { partitions.flatMap(\.deliveries) }

    func deliveries(of partition: PartitionNumber) -> [Delivery] {
        partitions[partition.rawValue].deliveries
    }

    /// What its owner has not read, or has put off.
    func standing(in partition: PartitionNumber, after cursor: StreamID) -> Set<Delivery> {
        let state = partitions[partition.rawValue]
        let unread = state.log.read(after: cursor, count: .max)
        return Set(unread.flatMap(\.deliveries) + state.later.deliveries)
    }

    mutating func mark(_ partition: PartitionNumber, through activity: ActivityID) {
        partitions[partition.rawValue].mark = PartitionMark(generation: "g", through: activity)
    }

    /// What is left of a partition that is to be rebuilt.
    mutating func clear(_ partition: PartitionNumber) {
        let lease = partitions[partition.rawValue].lease
        partitions[partition.rawValue] = Partition()
        partitions[partition.rawValue].lease = lease
    }

    // MARK: Leases

    mutating func takeLease(
        _ partition: PartitionNumber, _ owner: Incarnation, at now: Instant, for time: Duration
    ) -> Bool {
        // Ours and not yet sealed: the answer got lost.
        if let lease = partitions[partition.rawValue].lease, lease.expires > now,
            lease.owner != owner || lease.epoch != nil
        {
            return false
        }
        partitions[partition.rawValue].lease = Lease(
            owner: owner, epoch: nil, expires: now + time)
        return true
    }

    mutating func sealLease(
        _ partition: PartitionNumber, _ epoch: Epoch, _ owner: Incarnation, at now: Instant,
        for time: Duration
    ) -> Bool {
        guard let lease = partitions[partition.rawValue].lease, lease.owner == owner,
            lease.expires > now
        else { return false }
        partitions[partition.rawValue].lease = Lease(
            owner: owner, epoch: epoch, expires: now + time)
        return true
    }

    mutating func releaseLeases(_ leases: [OwnedLease], _ owner: Incarnation, at now: Instant) {
        for lease in leases where holds(lease, owner, at: now) {
            partitions[lease.partition.rawValue].lease = nil
        }
    }

    /// What a living supervisor does for a worker that died, and what a failover may do to anyone.
    mutating func dropLeases(where goes: (PartitionNumber, Incarnation) -> Bool) {
        for number in partitions.indices {
            guard let lease = partitions[number].lease else { continue }
            if goes(PartitionNumber(rawValue: number), lease.owner) {
                partitions[number].lease = nil
            }
        }
    }

    mutating func renew(
        _ leases: [OwnedLease], _ owner: Incarnation, at now: Instant, for time: Duration,
        whole: Set<PartitionNumber>, through activity: ActivityID?
    ) -> (kept: [OwnedLease], lost: [OwnedLease]) {
        let kept = leases.filter { holds($0, owner, at: now) }
        for lease in kept {
            partitions[lease.partition.rawValue].lease?.expires = now + time
            if let activity, whole.contains(lease.partition),
                let mark = partitions[lease.partition.rawValue].mark
            {
                partitions[lease.partition.rawValue].mark?.through = max(mark.through, activity)
            }
        }
        return (kept, leases.filter { !kept.contains($0) })
    }

    // MARK: Logs

    @discardableResult
    mutating func append(_ content: LogEntry.Content, to partition: PartitionNumber) -> StreamID {
        let id = nextID()
        partitions[partition.rawValue].log.append(LogEntry(id: id, content: content))
        return id
    }

    func read(_ cursors: [LogCursor], count: Int) -> [(PartitionNumber, [LogEntry])] {
        cursors.compactMap { cursor in
            let found = partitions[cursor.partition.rawValue].log.read(
                after: cursor.after, count: count)
            return found.isEmpty ? nil : (cursor.partition, found)
        }
    }

    /// Places of held lists that are gone through for what belongs far from its end.
    private static let visitLimit = 2_000_000

    /// An entry that is gone is skipped, with all that would have left it.
    ///
    /// - Returns: the entry that ended.
    mutating func resolve(_ resolution: Resolution, in partition: PartitionNumber) -> LogEntry? {
        let number = partition.rawValue
        guard let entry = partitions[number].log.remove(resolution.entry) else { return nil }
        var visits = Self.visitLimit
        for hold in resolution.holds {
            if hold.atHead {
                partitions[number].held[hold.host, default: []]
                    .insertAtHead(hold.pointers, visits: &visits)
            } else {
                partitions[number].held[hold.host, default: []]
                    .insertAtTail(hold.pointers, visits: &visits)
            }
        }
        for (host, state) in resolution.statesOfHosts { partitions[number].records[host] = state }
        for later in resolution.laters { partitions[number].later.put(later) }
        return entry
    }

    mutating func release(
        _ host: HostID, of partition: PartitionNumber, count: Int
    ) -> (entry: StreamID?, moved: [DeliveryPointer], remaining: Int) {
        let number = partition.rawValue
        var queue = partitions[number].held.removeValue(forKey: host) ?? []
        let moved = Array(queue.prefix(min(count, LogEntry.inboxLimit)))
        queue.removeFirst(moved.count)
        let remaining = queue.count
        if remaining > 0 {
            partitions[number].held[host] = queue
        } else {
            partitions[number].records[host] = nil
        }
        let entry = moved.isEmpty ? nil : append(.pointers(moved), to: partition)
        return (entry, moved, remaining)
    }

    mutating func releaseDue(
        of partition: PartitionNumber, count: Int, at wall: WallTime
    ) -> (moved: [DeliveryPointer], next: WallTime?) {
        let number = partition.rawValue
        let limit = min(count, LogEntry.inboxLimit)
        var moved: [DeliveryPointer] = []
        while moved.count < limit, let first = partitions[number].later.first, first.due <= wall {
            moved.append(first.pointer)
            partitions[number].later.removeFirst()
        }
        if !moved.isEmpty { append(.pointers(moved), to: partition) }
        return (moved, partitions[number].later.first?.due)
    }
}

/// A held list is kept in the order of the activities. As much of it is gone through as by the script.
extension Deque<DeliveryPointer> {
    /// Behind what is older.
    fileprivate mutating func insertAtHead(_ pointers: [DeliveryPointer], visits: inout Int) {
        var merged: [DeliveryPointer] = []
        for pointer in pointers {
            while let head = first, merged.count < Self.near, head.precedes(pointer) {
                merged.append(removeFirst())
            }
            let isFar = first?.precedes(pointer) == true
            if !isFar || !insertFar(pointer, visits: &visits) { merged.append(pointer) }
        }
        prepend(contentsOf: merged)
    }

    /// Before what is newer.
    fileprivate mutating func insertAtTail(_ pointers: [DeliveryPointer], visits: inout Int) {
        guard let first = pointers.first else { return }
        var newer: [DeliveryPointer] = []
        while let tail = last, newer.count < Self.near, first.precedes(tail) {
            newer.append(removeLast())
        }
        let tail = last
        for pointer in pointers {
            let isFar = tail.map { pointer.precedes($0) } ?? false
            if isFar, insertFar(pointer, visits: &visits) { continue }
            while let next = newer.last, next.precedes(pointer) { append(newer.removeLast()) }
            append(pointer)
        }
        append(contentsOf: newer.reversed())
    }

    private static var near: Int { 512 }

    /// Whether there were visits left for it.
    private mutating func insertFar(_ pointer: DeliveryPointer, visits: inout Int) -> Bool {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].precedes(pointer) { low = middle + 1 } else { high = middle }
        }
        guard low == endIndex || low <= visits else { return false }
        if low < endIndex { visits -= low }
        insert(pointer, at: low)
        return true
    }
}

extension DeliveryPointer {
    fileprivate func precedes(_ other: DeliveryPointer) -> Bool {
        (activity, inbox) < (other.activity, other.inbox)
    }
}
