import DeliveryCore

/// What the machine can see of Redis: streams, held queues, `later`, leases, heartbeats.
///
/// Every method is one command or one script: it happens whole or not at all.
struct SimulatedRedis {
    struct Lease {
        var owner: Incarnation
        var epoch: Epoch?
        var expires: Instant
    }

    struct Pending {
        var owner: Incarnation
        var job: Int
        var since: Instant
    }

    struct Partition {
        var log: [LogEntry] = []
        var held: [HostID: [DeliveryPointer]] = [:]
        var records: [HostID: HostCondition] = [:]
        var later: [Resolution.Later] = []
        var lease: Lease?
    }

    var partitions: [PartitionNumber: Partition] = [:]
    /// Not yet read by anybody.
    var intake: [(reference: IntakeReference, job: Int)] = []
    var pending: [IntakeReference: Pending] = [:]
    var heartbeats: [Incarnation: Instant] = [:]
    private var lastID: UInt64 = 0

    mutating func nextID() -> StreamID {
        lastID += 1
        return StreamID(milliseconds: lastID, sequence: 0)
    }

    func holds(_ lease: OwnedLease, _ owner: Incarnation, at now: Instant) -> Bool {
        guard let standing = partitions[lease.partition]?.lease else { return false }
        return standing.owner == owner && standing.epoch == lease.epoch && standing.expires > now
    }

    // MARK: Leases

    mutating func takeLease(
        _ partition: PartitionNumber, _ owner: Incarnation, at now: Instant, for time: Duration
    ) -> Bool {
        if let lease = partitions[partition]?.lease, lease.expires > now { return false }
        partitions[partition, default: Partition()].lease = Lease(
            owner: owner, epoch: nil, expires: now + time)
        return true
    }

    mutating func sealLease(
        _ partition: PartitionNumber, _ epoch: Epoch, _ owner: Incarnation, at now: Instant,
        for time: Duration
    ) -> Bool {
        guard let lease = partitions[partition]?.lease, lease.owner == owner, lease.expires > now
        else { return false }
        partitions[partition]?.lease = Lease(owner: owner, epoch: epoch, expires: now + time)
        return true
    }

    mutating func releaseLeases(_ leases: [OwnedLease], _ owner: Incarnation, at now: Instant) {
        for lease in leases where holds(lease, owner, at: now) {
            partitions[lease.partition]?.lease = nil
        }
    }

    mutating func renew(
        _ leases: [OwnedLease], _ owner: Incarnation, at now: Instant, for time: Duration
    ) -> (kept: [OwnedLease], lost: [OwnedLease]) {
        let kept = leases.filter { holds($0, owner, at: now) }
        for lease in kept { partitions[lease.partition]?.lease?.expires = now + time }
        return (kept, leases.filter { !kept.contains($0) })
    }

    // MARK: Logs

    mutating func append(_ content: LogEntry.Content, to partition: PartitionNumber) {
        partitions[partition, default: Partition()].log.append(
            LogEntry(id: nextID(), content: content))
    }

    func read(_ cursors: [LogCursor], count: Int) -> [(PartitionNumber, [LogEntry])] {
        cursors.compactMap { cursor in
            let entries = partitions[cursor.partition]?.log.filter { $0.id > cursor.after } ?? []
            return entries.isEmpty ? nil : (cursor.partition, Array(entries.prefix(count)))
        }
    }

    /// An entry that is gone is skipped, with all that would have left it.
    mutating func resolve(_ resolution: Resolution, in partition: PartitionNumber) {
        guard var state = partitions[partition],
            let place = state.log.firstIndex(where: { $0.id == resolution.entry })
        else { return }
        state.log.remove(at: place)
        for hold in resolution.holds {
            state.held[hold.host, default: []].insert(
                contentsOf: hold.pointers,
                at: hold.atHead ? 0 : state.held[hold.host, default: []].count)
        }
        for host in resolution.hostStates { state.records[host.host] = host.condition }
        state.later += resolution.laters
        partitions[partition] = state
    }

    mutating func release(
        _ host: HostID, of partition: PartitionNumber, count: Int
    ) -> (entry: StreamID?, remaining: Int) {
        let queue = partitions[partition]?.held[host] ?? []
        let moved = Array(queue.prefix(count))
        let rest = Array(queue.dropFirst(count))
        partitions[partition]?.held[host] = rest.isEmpty ? nil : rest
        guard !moved.isEmpty else { return (nil, rest.count) }
        append(.pointers(moved), to: partition)
        return (partitions[partition]?.log.last?.id, rest.count)
    }

    mutating func releaseDue(
        of partition: PartitionNumber, count: Int, at wall: WallTime
    ) -> (moved: Int, next: WallTime?) {
        let sorted = (partitions[partition]?.later ?? []).sorted { $0.due < $1.due }
        let due = sorted.prefix(count).prefix { $0.due <= wall }
        let rest = Array(sorted.dropFirst(due.count))
        partitions[partition]?.later = rest
        if !due.isEmpty { append(.pointers(due.map(\.pointer)), to: partition) }
        return (due.count, rest.first?.due)
    }

    // MARK: Where deliveries stand

    static func deliveries(of entry: LogEntry) -> [Delivery] {
        switch entry.content {
        case .fanout(let fanout):
            fanout.inboxes.map { Delivery(activity: fanout.activity, inbox: $0) }
        case .pointers(let pointers):
            pointers.map(Delivery.init)
        case .malformed:
            []
        }
    }

    func entry(_ id: StreamID, of partition: PartitionNumber) -> LogEntry? {
        partitions[partition]?.log.first { $0.id == id }
    }

    /// Everything in log, held and later, apart from one entry.
    func standing(besides ended: StreamID? = nil) -> Set<Delivery> {
        var all: Set<Delivery> = []
        for state in partitions.values {
            for entry in state.log where entry.id != ended {
                all.formUnion(Self.deliveries(of: entry))
            }
            for queue in state.held.values { all.formUnion(queue.map(Delivery.init)) }
            all.formUnion(state.later.map { Delivery($0.pointer) })
        }
        return all
    }

    var isEmpty: Bool {
        intake.isEmpty && pending.isEmpty
            && partitions.values.allSatisfy {
                $0.log.isEmpty && $0.held.isEmpty && $0.later.isEmpty
            }
    }
}

struct Delivery: Hashable, CustomStringConvertible {
    var activity: ActivityID
    var inbox: InboxID

    init(activity: ActivityID, inbox: InboxID) {
        self.activity = activity
        self.inbox = inbox
    }

    init(_ pointer: DeliveryPointer) {
        self.init(activity: pointer.activity, inbox: pointer.inbox)
    }

    var description: String { "\(activity.rawValue)->\(inbox.rawValue)" }
}
