/// Where an open delivery stands in its worker's table.
package struct DeliveryIndex: Counted, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
}

/// Where an open log entry stands in its worker's table.
package struct EntryIndex: Counted, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
}

/// One delivery that this worker has read from a log and not finished with.
package struct OpenDelivery: Sendable {
    package enum Phase: Equatable, Sendable {
        /// PostgreSQL is asked about its activity, its inbox and its past.
        case preparing(PreparationID)
        case queued
        /// Behind an earlier activity of its chain.
        case behind
        case sending(TransferToken)
        /// It has ended, and the end waits for its commit.
        case settling
    }

    package var entry: EntryIndex
    package var activity: ActivityID
    package var inbox: InboxID
    package var attempts: UInt8
    package var lane: Lane
    /// Comes from a held queue or from `later`: it has waited its turn already.
    package var hasWaited: Bool
    package var phase: Phase
    /// A former owner had it in the log: what it must not overtake may stand in the held queue.
    var isInherited = false
    /// What it must not overtake may stand in its host's held queue: it is inherited, or it comes from
    /// elsewhere and may follow another.
    var isOutOfPlace = false
    package var host: HostID?
    package var sender = SenderID.unknown
    var order: OrderKey?
    /// It has its turn in its chain.
    var isInChain = false
    /// Its predecessor stands in the held queue: it goes behind it, not to the head.
    var isFollower = false
    package var url = ""
    /// Its inbox has answered 404 or 410 lately.
    package var inboxHasStrikes = false
    package var admitted: Instant
    package var profile: SignatureProfile = .draftCavage
    package var hasKnocked = false
    package var hasReconnected = false
    /// When its transfer was begun, and whether its host was a suspect then.
    package var sent = Instant(nanoseconds: 0)
    package var isSuspect = false

    package init(
        entry: EntryIndex, activity: ActivityID, inbox: InboxID, attempts: UInt8, lane: Lane,
        hasWaited: Bool, phase: Phase, admitted: Instant
    ) {
        self.entry = entry
        self.activity = activity
        self.inbox = inbox
        self.attempts = attempts
        self.lane = lane
        self.hasWaited = hasWaited
        self.phase = phase
        self.admitted = admitted
    }

    /// It is tried, for the first time since it has been in its host's queue.
    mutating func begin(_ profile: SignatureProfile, isSuspect: Bool, at now: Instant) {
        self.profile = profile
        self.isSuspect = isSuspect
        sent = now
        hasKnocked = false
        hasReconnected = false
    }

    /// To which end of its host's held queue it goes, if it has to.
    var goesToHead: Bool { hasWaited && (!isFollower || isInherited) }

    package var pointer: DeliveryPointer {
        DeliveryPointer(activity: activity, inbox: inbox, attempts: attempts)
    }

    var chain: ChainKey? {
        guard let host, let order else { return nil }
        return ChainKey(host: host, order: order)
    }

    func later(due: WallTime) -> Resolution.Later {
        Resolution.Later(pointer: pointer, due: due, chain: chain)
    }
}

/// One log entry with deliveries that have not ended.
package struct OpenEntry: Sendable {
    package var partition: PartitionNumber
    /// Deliveries of it that are neither committed nor on their way to a held queue or `later`.
    package var undecided: Int
    /// The rest of it waits to be opened.
    var isPartlyOpen = false
    package var resolution: Resolution

    package init(partition: PartitionNumber, id: StreamID) {
        self.partition = partition
        undecided = 0
        resolution = Resolution(entry: id)
    }
}

/// A dense table with stable indices; freed places are used again.
package struct Slab<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    private var free: [Int] = []
    package private(set) var count = 0

    package init() {}

    package mutating func insert(_ element: Element) -> Int {
        count += 1
        if let index = free.popLast() {
            elements[index] = element
            return index
        }
        elements.append(element)
        return elements.count - 1
    }

    package mutating func remove(_ index: Int) -> Element {
        guard let element = elements[index] else { preconditionFailure("slab place is free") }
        elements[index] = nil
        free.append(index)
        count -= 1
        return element
    }

    package subscript(index: Int) -> Element {
        get {
            guard let element = elements[index] else { preconditionFailure("slab place is free") }
            return element
        }
        _modify {
            yield &elements[index]!
        }
    }

    package func contains(_ index: Int) -> Bool {
        elements.indices.contains(index) && elements[index] != nil
    }

    package var indices: [Int] { elements.indices.filter { elements[$0] != nil } }
}
