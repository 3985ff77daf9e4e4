/// The partitions of this worker and how far each is on its way in or out.
///
/// In: lease in Redis, epoch in PostgreSQL (that one counts), lease sealed with the epoch; what Redis
/// has of it examined, and rebuilt if some of it was lost; backlog loaded, owned. Out: nothing new is read, what is in flight ends and is settled,
/// the lease is given back. The fencing deadline runs from when a renewal was *sent*, so a worker
/// that was frozen knows by its own clock that it may be an owner no longer.
package struct PartitionTable: Equatable, Sendable {
    package enum Phase: Equatable, Sendable {
        case takingLease
        case takingEpoch
        case sealing(Epoch, deadline: Instant)
        case entering(EntryStep, Epoch, deadline: Instant)
        case owned(Owned)
        /// Handing back; still the owner, until nothing of it is open.
        case yielding(Owned)
        case releasing(Epoch)
    }

    /// What a new owner does under its lease before it reads the log.
    package enum EntryStep: Equatable, Sendable {
        case examining
        case rebuilding
        /// With the newest activity that may have been rebuilt, and whether that was now.
        case loading(rebuilt: ActivityID, isNew: Bool)
    }

    package struct Owned: Equatable, Sendable {
        package var epoch: Epoch
        package var deadline: Instant
        /// Fan-outs up to this activity may come a second time: what was owed of them was rebuilt.
        package var rebuilt = ActivityID.zero
        /// This owner has rebuilt it: among what it brought back, oldest first, stands what expanders
        /// have routed meanwhile.
        package var hasRebuilt = false
        /// Redis may have lost some of it: it is to be looked at, and when at the earliest.
        package var examinationDue: Instant?
        /// The last entry read; the next read starts after it.
        package var cursor: StreamID = .zero
        /// Entries that a former owner may have worked on are checked against PostgreSQL.
        package var isCatchingUp = true
        /// Such entries, until the end of the log is seen.
        package var left: [LogEntry] = []
        /// Of all that was kept since something was opened last.
        package var leftWeight = 0
        /// Of these what must not go before all that was rebuilt.
        package var fresh: [LogEntry] = []
        /// When `later` has something due, as far as this owner knows.
        package var nextDue: WallTime?
        package var isReleasingDue = false
        /// What a former owner has put into `later` and a chain goes by, until its host is known.
        package var inherited: [HostID: [Resolution.Later]] = [:]

        /// Until the end of the log. Too many fresh ones keep the log's order among themselves, and
        /// go before what is rebuilt behind them.
        mutating func keep(_ entry: LogEntry, apart isFresh: Bool) {
            leftWeight += entry.weight
            guard isFresh, hasRebuilt else { return left.append(entry) }
            fresh.append(entry)
            if fresh.count > Self.freshLimit {
                hasRebuilt = false
                left += fresh
                fresh = []
            }
        }

        /// A rebuild takes seconds, and so many seldom come meanwhile.
        static let freshLimit = 1_024
    }

    /// By number; nil: not ours. They stand in order and need no hash.
    private var phases: [Phase?] = []
    /// Times before which none of them has anything to do: with most events none is looked at.
    private var firstDeadline = Instant.distantFuture
    private var firstDue = WallTime.distantFuture
    private var firstExamination = Instant.distantFuture
    /// One of them may have to go.
    private var mayLeave = true

    /// Those that this worker should own.
    package var desired: Set<PartitionNumber> = [] {
        didSet { mayLeave = true }
    }

    package init() {}

    package subscript(partition: PartitionNumber) -> Phase? {
        get { phases.indices.contains(partition.rawValue) ? phases[partition.rawValue] : nil }
        set {
            while phases.count <= partition.rawValue { phases.append(nil) }
            phases[partition.rawValue] = newValue
            mayLeave = true
            switch newValue {
            case .sealing(_, let deadline), .entering(_, _, let deadline):
                firstDeadline = min(firstDeadline, deadline)
            case .owned(let owned), .yielding(let owned): take(timesOf: owned)
            case .takingLease, .takingEpoch, .releasing, nil: break
            }
        }
    }

    private mutating func take(timesOf owned: Owned) {
        firstDeadline = min(firstDeadline, owned.deadline)
        if let due = owned.nextDue { firstDue = min(firstDue, due) }
        if let due = owned.examinationDue { firstExamination = min(firstExamination, due) }
    }

    package var isEmpty: Bool { phases.allSatisfy { $0 == nil } }

    private func select<Value>(_ value: (PartitionNumber, Phase) -> Value?) -> [Value] {
        var selected: [Value] = []
        for number in phases.indices {
            guard let phase = phases[number] else { continue }
            if let value = value(PartitionNumber(rawValue: number), phase) {
                selected.append(value)
            }
        }
        return selected
    }

    /// The lease under which the partition may be changed now, if it may.
    package func lease(_ partition: PartitionNumber) -> OwnedLease? {
        switch self[partition] {
        case .owned(let owned), .yielding(let owned):
            OwnedLease(partition: partition, epoch: owned.epoch)
        case .takingLease, .takingEpoch, .sealing, .entering, .releasing, nil:
            nil
        }
    }

    package func isCatchingUp(_ partition: PartitionNumber) -> Bool {
        if case .owned(let owned) = self[partition] { owned.isCatchingUp } else { false }
    }

    /// Every lease that must be renewed to be kept.
    package var renewable: [OwnedLease] {
        select { partition, phase in
            switch phase {
            case .sealing, .takingLease, .takingEpoch, .releasing: nil
            case .entering(_, let epoch, _): OwnedLease(partition: partition, epoch: epoch)
            case .owned(let owned), .yielding(let owned):
                OwnedLease(partition: partition, epoch: owned.epoch)
            }
        }
    }

    /// What Redis was found to have all of, and nothing has cast doubt on that since.
    package var whole: Set<PartitionNumber> {
        Set(
            select { partition, phase in
                guard case .owned(let owned) = phase, owned.examinationDue == nil else {
                    return nil
                }
                return partition
            })
    }

    /// What is ours and not read yet.
    package var entering: [OwnedLease] {
        select { partition, phase in
            guard case .entering(_, let epoch, _) = phase else { return nil }
            return OwnedLease(partition: partition, epoch: epoch)
        }
    }

    package var cursors: [LogCursor] {
        select { partition, phase in
            guard case .owned(let owned) = phase else { return nil }
            return LogCursor(partition: partition, after: owned.cursor)
        }
    }

    /// Where the logs are to be read: of what may stand in another Redis now, nowhere.
    package var readable: [LogCursor] {
        select { partition, phase in
            guard case .owned(let owned) = phase, owned.examinationDue == nil else { return nil }
            return LogCursor(
                partition: partition, after: owned.cursor, isCatchingUp: owned.isCatchingUp)
        }
    }

    /// Whether what was read of its log under this epoch counts: it is not in doubt.
    func isRead(_ partition: PartitionNumber, under epoch: Epoch) -> Bool {
        guard case .owned(let owned) = self[partition] else { return false }
        return owned.epoch == epoch && owned.examinationDue == nil
    }

    package var ownedCount: Int {
        phases.count { phase in
            if case .owned = phase { true } else { false }
        }
    }

    /// Changes an owned or yielding partition in place; false when it is neither.
    @discardableResult
    package mutating func update(
        _ partition: PartitionNumber, _ change: (inout Owned) -> Void
    ) -> Bool {
        switch self[partition] {
        case .owned(var owned):
            // The table lets go of it first: its lists would be copied to be changed.
            phases[partition.rawValue] = nil
            change(&owned)
            take(timesOf: owned)
            phases[partition.rawValue] = .owned(owned)
            return true
        case .yielding(var owned):
            phases[partition.rawValue] = nil
            change(&owned)
            take(timesOf: owned)
            phases[partition.rawValue] = .yielding(owned)
            return true
        case .takingLease, .takingEpoch, .sealing, .entering, .releasing, nil:
            return false
        }
    }

    /// The epoch under which the partition is held, or being taken.
    package func epoch(_ partition: PartitionNumber) -> Epoch? {
        switch self[partition] {
        case .sealing(let epoch, _), .entering(_, let epoch, _), .releasing(let epoch): epoch
        case .owned(let owned), .yielding(let owned): owned.epoch
        case .takingLease, .takingEpoch, nil: nil
        }
    }

    /// Redis has renewed these: their fencing deadlines move, never back.
    package mutating func renewed(_ leases: [OwnedLease], until deadline: Instant) {
        for lease in leases where epoch(lease.partition) == lease.epoch {
            switch self[lease.partition] {
            case .entering(let step, let epoch, let earlier):
                self[lease.partition] = .entering(step, epoch, deadline: max(earlier, deadline))
            case .owned, .yielding:
                update(lease.partition) { $0.deadline = max($0.deadline, deadline) }
            case .takingLease, .takingEpoch, .sealing, .releasing, nil: break
            }
        }
    }

    // MARK: Asked for with every event

    /// Those whose lease may have run out by now, ascending.
    package mutating func overdue(at now: Instant) -> [PartitionNumber] {
        guard now >= firstDeadline else { return [] }
        var first = Instant.distantFuture
        defer { firstDeadline = first }
        return numbers { number in
            let deadline: Instant
            switch phases[number] {
            case .sealing(_, let end), .entering(_, _, let end): deadline = end
            // Apart: one pattern for both would copy all that it binds.
            case .owned(let owned): deadline = owned.deadline
            case .yielding(let owned): deadline = owned.deadline
            case .takingLease, .takingEpoch, .releasing, nil: return false
            }
            first = min(first, deadline)
            return deadline <= now
        }
    }

    /// Those that are being handed back, or are to be.
    package mutating func leaving() -> [PartitionNumber] {
        guard mayLeave else { return [] }
        let leaving = numbers { number in
            switch phases[number] {
            case .owned: !desired.contains(PartitionNumber(rawValue: number))
            // Once begun it is ended, even if the partition is wanted again meanwhile.
            case .yielding: true
            case .takingLease, .takingEpoch, .sealing, .entering, .releasing, nil: false
            }
        }
        mayLeave = !leaving.isEmpty
        return leaving
    }

    /// Those of which something in `later` is due.
    package mutating func due(at wall: WallTime) -> [PartitionNumber] {
        guard wall >= firstDue else { return [] }
        var first = WallTime.distantFuture
        defer { firstDue = first }
        return numbers { number in
            guard case .owned(let owned) = phases[number], !owned.isReleasingDue,
                let due = owned.nextDue
            else { return false }
            first = min(first, due)
            return due <= wall
        }
    }

    /// Those that are to be looked at now.
    package mutating func examinable(at now: Instant) -> [OwnedLease] {
        guard now >= firstExamination else { return [] }
        var first = Instant.distantFuture
        defer { firstExamination = first }
        return select { partition, phase in
            guard case .owned(let owned) = phase, let due = owned.examinationDue else { return nil }
            first = min(first, due)
            guard due <= now else { return nil }
            return OwnedLease(partition: partition, epoch: owned.epoch)
        }
    }

    private func numbers(where fits: (Int) -> Bool) -> [PartitionNumber] {
        phases.indices.filter(fits).map(PartitionNumber.init)
    }
}
