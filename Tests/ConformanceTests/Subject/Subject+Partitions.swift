import Testing

@testable import DeliveryCore

/// What an owner does with its partitions, each verb one action and its answer.
extension Subject {
    func takeLease(_ partition: Int, by worker: Hand = .first) throws -> Bool {
        let partition = PartitionNumber(rawValue: partition)
        return try answer(to: .takeLease(partition), by: worker) { event in
            switch event {
            case .leaseTaken(partition, let isOurs): isOurs
            case .ownershipFailed(partition): throw Failed(event: event)
            default: nil
            }
        }
    }

    func takeEpoch(_ partition: Int, by worker: Hand = .first) throws -> Epoch {
        let partition = PartitionNumber(rawValue: partition)
        return try answer(to: .takeEpoch(partition), by: worker) { event in
            switch event {
            case .epochTaken(partition, let epoch): epoch
            case .ownershipFailed(partition): throw Failed(event: event)
            default: nil
            }
        }
    }

    func seal(_ lease: OwnedLease, by worker: Hand = .first) throws -> Bool {
        try answer(to: .sealLease(lease.partition, lease.epoch), by: worker) { event in
            switch event {
            case .leaseSealed(lease.partition, lease.epoch, let isOurs): isOurs
            case .ownershipFailed(lease.partition): throw Failed(event: event)
            default: nil
            }
        }
    }

    func examine(_ lease: OwnedLease, by worker: Hand = .first) throws -> PartitionCondition {
        try answer(to: .examine(lease), by: worker) { event in
            switch event {
            case .examined(lease.partition, let condition): condition
            case .ownershipFailed(lease.partition): throw Failed(event: event)
            case .fenced(let lease): throw Fenced(leases: [lease])
            default: nil
            }
        }
    }

    /// Answers how far it went.
    @discardableResult
    func rebuild(
        _ lease: OwnedLease, after activity: ActivityID? = nil, by worker: Hand = .first
    ) throws -> ActivityID {
        try answer(to: .rebuild(lease, after: activity), by: worker) { event in
            switch event {
            case .rebuilt(lease, let through): through
            case .ownershipFailed(lease.partition): throw Failed(event: event)
            case .fenced(let lease): throw Fenced(leases: [lease])
            default: nil
            }
        }
    }

    /// A page of what is owed to a partition, and old.
    ///
    /// Asked again, as the machine does, while the connection for long questions is not open: no worker
    /// waits for it to be ready.
    func findOwed(
        of partitions: [Int], after: ActivityID = .zero, by worker: Hand = .first
    ) throws -> (through: ActivityID?, owed: [Owed]) {
        let id = StocktakingID(rawValue: 1)
        let numbers = partitions.map(PartitionNumber.init)
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(30) {
            let found: (through: ActivityID?, owed: [Owed])? = try answer(
                to: .findOwed(id, after: after, numbers), by: worker
            ) { event in
                switch event {
                case .owedFound(id, let through, let owed): .some((through, owed))
                case .owedUnknown(id): .some(nil)
                default: nil
                }
            }
            if let found { return found }
        }
        throw Failed(event: .owedUnknown(id))
    }

    /// Of these what stands nowhere where an owner cannot see it.
    func seek(
        _ lease: OwnedLease, after cursor: StreamID, _ pointers: [DeliveryPointer],
        by worker: Hand = .first
    ) throws -> [DeliveryPointer] {
        let id = StocktakingID(rawValue: 2)
        return try answer(to: .seek(id, lease, after: cursor, pointers), by: worker) {
            if case .sought(id, lease.partition, let nowhere) = $0 { nowhere } else { nil }
        }
    }

    /// Lease, epoch, seal: the way of every takeover.
    func own(_ partition: Int, by worker: Hand = .first) throws -> OwnedLease {
        try #require(try takeLease(partition, by: worker))
        let lease = OwnedLease(
            partition: PartitionNumber(rawValue: partition),
            epoch: try takeEpoch(partition, by: worker))
        try #require(try seal(lease, by: worker))
        return lease
    }

    func renew(
        _ leases: [OwnedLease], by worker: Hand = .first
    ) throws -> (kept: [OwnedLease], lost: [OwnedLease]) {
        try answer(to: .renewLeases(leases, whole: []), by: worker) {
            if case .leasesRenewed(let kept, let lost, _) = $0 { (kept, lost) } else { nil }
        }
    }

    func giveBack(_ leases: [OwnedLease], by worker: Hand = .first) throws {
        let released = try answer(to: .releaseLeases(leases), by: worker) {
            if case .leasesReleased(let partitions) = $0 { partitions } else { nil }
        }
        #expect(released == leases.map(\.partition))
    }

    /// What a new owner learns first: hosts with a record and how much waits for them, and what of
    /// `later` stands in a chain.
    func backlog(
        _ partition: Int, by worker: Hand = .first
    ) throws -> (hosts: [HeldHost], later: [Resolution.Later]) {
        let partition = PartitionNumber(rawValue: partition)
        return try answer(to: .loadBacklog(partition), by: worker) { event in
            switch event {
            case .backlogLoaded(partition, let hosts, let later): (hosts, later)
            case .ownershipFailed(partition): throw Failed(event: event)
            default: nil
            }
        }
    }

    func hosts(_ partition: Int) throws -> [HostID: HeldHost] {
        Dictionary(try backlog(partition).hosts.map { ($0.host, $0) }) { _, _ in
            preconditionFailure("a host is loaded once")
        }
    }

    func heartbeat(_ worker: Hand) throws -> Set<Incarnation> {
        try answer(to: .heartbeat, by: worker) {
            if case .membershipSeen(let alive) = $0 { alive } else { nil }
        }
    }
}

// MARK: Logs

extension Subject {
    func route(_ fanouts: [(Int, Fanout)], by worker: Hand = .first) throws {
        let entries = fanouts.map {
            RoutedEntry(partition: PartitionNumber(rawValue: $0), fanout: $1)
        }
        let id = ExpansionID(rawValue: 1)
        try answer(to: .route(id, entries), by: worker) { event in
            switch event {
            case .routed(id): ()
            case .routingFailed(id): throw Failed(event: event)
            default: nil
            }
        }
    }

    /// Routes one fan-out, and answers the entry it has become.
    func entry(_ partition: Int, _ fanout: Fanout = .sample()) throws -> StreamID {
        try route([(partition, fanout)])
        return try #require(try log(partition).last?.id)
    }

    func cursor(_ partition: Int, after: StreamID = .zero) -> LogCursor {
        LogCursor(partition: PartitionNumber(rawValue: partition), after: after)
    }

    /// What stands there now: a read that finds nothing is told not to wait.
    func read(
        _ cursors: [LogCursor], count: Int = 1_000
    ) throws -> [(PartitionNumber, [LogEntry])] {
        try ask(.readLogs(cursors, count: count), by: .first)
        try ask(.interruptLogRead, by: .first)
        return try logRead()
    }

    func logRead() throws -> [(PartitionNumber, [LogEntry])] {
        try next("a read of the logs") { event in
            switch event {
            case .logRead(let found): found
            case .logReadFailed: throw Failed(event: event)
            default: nil
            }
        }
    }

    func log(_ partition: Int, after: StreamID = .zero, count: Int = 1_000) throws -> [LogEntry] {
        try read([cursor(partition, after: after)], count: count).flatMap(\.1)
    }

    func contents(_ partition: Int) throws -> [LogEntry.Content] {
        try log(partition).map(\.content)
    }
}

// MARK: Moves

extension Subject {
    func resolve(
        _ lease: OwnedLease, _ resolutions: [Resolution], by worker: Hand = .first
    ) throws {
        let id = ResolutionID(rawValue: 1)
        try answer(to: .resolve(lease, id, resolutions), by: worker) { event in
            switch event {
            case .resolved(lease.partition, id): ()
            case .resolutionFailed(lease.partition, id): throw Failed(event: event)
            case .fenced(let lease): throw Fenced(leases: [lease])
            default: nil
            }
        }
    }

    func release(
        _ lease: OwnedLease, _ host: HostID, count: Int = 100, by worker: Hand = .first
    ) throws -> (entry: StreamID?, remaining: Int) {
        try answer(to: .release(lease, host, count: count), by: worker) { event in
            switch event {
            case .released(lease.partition, host, let entry, let remaining): (entry, remaining)
            case .releaseFailed(lease.partition, host): throw Failed(event: event)
            case .fenced(let lease): throw Fenced(leases: [lease])
            default: nil
            }
        }
    }

    func releaseDue(
        _ lease: OwnedLease, count: Int = 100, by worker: Hand = .first
    ) throws -> (moved: Int, next: WallTime?) {
        try answer(to: .releaseDue(lease, count: count), by: worker) { event in
            switch event {
            case .dueReleased(lease.partition, let moved, let next): (moved, next)
            case .dueReleaseFailed(lease.partition): throw Failed(event: event)
            case .fenced(let lease): throw Fenced(leases: [lease])
            default: nil
            }
        }
    }
}

// MARK: Values

extension Fanout {
    static func sample(_ activity: Int64 = 7, inboxes: ClosedRange<Int32> = 1...3) -> Fanout {
        Fanout(
            activity: ActivityID(rawValue: activity), lane: .normal, again: false,
            inboxes: inboxes.map(InboxID.init(rawValue:)))
    }
}

extension HostID {
    static let sample = HostID(rawValue: 42)
}

func pointers(_ inboxes: ClosedRange<Int32>, of activity: Int64 = 7) -> [DeliveryPointer] {
    inboxes.map {
        DeliveryPointer(
            activity: ActivityID(rawValue: activity), inbox: InboxID(rawValue: $0), attempts: 2)
    }
}

extension Resolution {
    /// Ends an entry of which these wait for a host now.
    static func holding(
        _ entry: StreamID, _ pointers: [DeliveryPointer], for host: HostID = .sample,
        atHead: Bool = false, _ condition: HostCondition = HostCondition(cause: "timeout")
    ) -> Resolution {
        var resolution = Resolution(entry: entry)
        resolution.holds = [Hold(host: host, atHead: atHead, pointers: pointers)]
        resolution.hostStates = [HostState(host: host, condition: condition)]
        return resolution
    }

    /// Ends an entry of which these come back at their time.
    static func delaying(
        _ entry: StreamID, _ laters: [(DeliveryPointer, due: WallTime)]
    ) -> Resolution {
        var resolution = Resolution(entry: entry)
        resolution.laters = laters.map { Later(pointer: $0, due: $1) }
        return resolution
    }
}
