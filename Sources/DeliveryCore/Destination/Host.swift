package import DequeModule

/// One remote host as this worker knows it: its queues, its window, its circuit, its pauses.
package struct Host: Sendable {
    /// Empty until a delivery to it is prepared.
    package var name: String
    package let partition: PartitionNumber
    package var window: Window
    package var pace = Pace()
    package var circuit = Circuit()
    package var signatures = SignatureMemory()
    /// It asked for a pause that ends then.
    package var suspendedUntil: Instant?
    /// What operators want of it.
    package var control = HostControl() {
        didSet { pace.leastInterval = control.interval }
    }
    /// Pauses in a row, without a success between them, of which it did not say how long.
    package var refusals = 0
    package var inFlight = 0
    /// When it last gave an answer below 500, to within an hour, as far as anybody remembers.
    package var lastSuccess: WallTime?
    /// When it last gave this worker any answer.
    package var lastAnswer: Instant?
    /// What was last written to PostgreSQL about it.
    package var lastError: String?

    /// Deliveries in its held queue, as Redis last said.
    package var held = 0
    /// Deliveries on their way into its held queue.
    package var holding = 0
    /// Of these those that a former owner had in the log: nothing is brought back before they are
    /// in their places, or have had their time to get there.
    var holdingInherited = 0
    var inheritedDeadline: Instant?
    package private(set) var release = Release.none
    /// Deliveries of that part, at most.
    package private(set) var releasing = 0
    /// What a part on its way back has overtaken: the oldest of each order that has gone into the queue
    /// since it was asked for, or was about to. What is newer of that part goes behind it again.
    private(set) var overtaken: [OrderKey: ActivityID] = [:]
    /// What comes from its held queue is past its retry budget: take more of it at a time.
    package var isSheddingExpired = false

    /// Deliveries that may be sent now, oldest first.
    package private(set) var queues: [QueueKey: Deque<DeliveryIndex>] = [:]
    package private(set) var queued = 0
    /// Queues that have found the window full, in that order.
    package var blocked: [Deque<SenderID>] = Array(repeating: [], count: Lane.allCases.count)

    /// Only of objects that something is under way for, or waits for a time of its own.
    var chains: [OrderKey: Chain] = [:]

    /// One queue for each lane and sender.
    package struct QueueKey: Hashable, Comparable, Sendable {
        package var lane: Lane
        package var sender: SenderID

        package static func < (left: QueueKey, right: QueueKey) -> Bool {
            (left.lane, left.sender) < (right.lane, right.sender)
        }
    }

    /// A part of its held queue on its way back: one at a time, so that what fails of it returns to
    /// the head in order.
    package enum Release: Equatable, Sendable {
        case none
        case asked
        /// It stands in the log, as this entry.
        case moved
        /// All of it is in the hands of this worker.
        case admitted
    }

    package init(name: String, partition: PartitionNumber, windowLimit: Int) {
        self.name = name
        self.partition = partition
        window = Window(largest: windowLimit)
    }

    /// Deliveries that wait in Redis, or will in a moment.
    package var backlog: Int { held + holding }

    /// Whether what a former owner had in the log may still be on its way into the held queue.
    package func isInheriting(at now: Instant) -> Bool {
        holdingInherited > 0 && inheritedDeadline.map { now < $0 } ?? true
    }

    /// Deliveries on their way back from its held queue that this worker does not see yet.
    package var returning: Int { release == .asked || release == .moved ? releasing : 0 }

    /// Something older is in Redis or on its way from there: what is fresh goes behind it.
    package var isBacklogAhead: Bool { backlog > 0 || release == .asked || release == .moved }

    /// Whether it goes to the held queue rather than past it: something older may be in there.
    func isBehindBacklog(_ delivery: OpenDelivery) -> Bool {
        guard isBacklogAhead else { return false }
        let older = delivery.order.flatMap { overtaken[$0] }
        return !delivery.goesToHead || delivery.isOutOfPlace
            || older.map { $0 < delivery.activity } ?? false
    }

    /// Nothing of it would be missed: that its circuit is open PostgreSQL knows too.
    package var isIdle: Bool {
        inFlight == 0 && backlog == 0 && queued == 0 && suspendedUntil == nil && release == .none
            && circuit.outage?.probe == nil && chains.isEmpty
    }

    /// It has answered, and not failed since. Others share a part of the slots.
    package var isProven: Bool { lastSuccess != nil && !circuit.isFailing }

    /// It shares a part of the slots with its like; while its circuit is open only probes go to it.
    package var isSuspect: Bool { !isProven && !circuit.isOpen }

    /// Before anything of it was prepared nobody knows what PostgreSQL knows of it.
    package var isKnownSuspect: Bool { isSuspect && !name.isEmpty }

    /// What is for it waits, for a while or until somebody ends it. What is for a blocked one does
    /// not: it is dropped.
    package func isSuspended(at now: Instant) -> Bool {
        if control.isBlocked { return false }
        return control.isPaused || suspendedUntil.map { now < $0 } ?? false
    }

    /// How many more may be under way, as far as its window says; nil while it is suspended.
    package func room(at now: Instant) -> Int? {
        isSuspended(at: now) ? nil : window.limit - inFlight
    }

    package var hasBlocked: Bool { blocked.contains { !$0.isEmpty } }

    /// Whether one more may be sent now. An open circuit is not asked: of its host only the probe
    /// is ever queued.
    package func hasRoom(at now: Instant) -> Bool {
        inFlight < window.limit && !isSuspended(at: now) && (pace.next.map { $0 <= now } ?? true)
    }
}

extension Host {
    /// One more is under way.
    mutating func began(at now: Instant) {
        inFlight += 1
        pace.sent(at: now)
    }

    package mutating func enqueue(_ delivery: DeliveryIndex, in key: QueueKey) {
        queues[key, default: []].append(delivery)
        queued += 1
    }

    package func hasQueue(_ key: QueueKey) -> Bool { queues[key] != nil }

    package mutating func dequeue(_ key: QueueKey) -> DeliveryIndex? {
        guard let delivery = queues[key]?.popFirst() else { return nil }
        if queues[key]?.isEmpty == true { queues[key] = nil }
        queued -= 1
        return delivery
    }

    /// Everything queued, in no particular order.
    package mutating func removeQueued() -> [DeliveryIndex] {
        defer {
            queues.removeAll()
            queued = 0
            for lane in blocked.indices { blocked[lane].removeAll() }
        }
        return queues.values.flatMap { $0 }
    }

    package mutating func removeQueued(where leaves: (DeliveryIndex) -> Bool) {
        for key in queues.keys {
            let before = queues[key]?.count ?? 0
            queues[key]?.removeAll(where: leaves)
            queued -= before - (queues[key]?.count ?? 0)
            if queues[key]?.isEmpty == true { queues[key] = nil }
        }
    }
}

extension Host {
    /// Ends a turn, and with it its chain, unless others have a turn or wait for one.
    mutating func endLoneTurn(in order: OrderKey) -> Bool {
        guard let place = chains.index(forKey: order), chains.values[place].isLoneTurn else {
            return false
        }
        chains.remove(at: place)
        return true
    }
}

/// The held queue, and the part of it that comes back.
extension Host {
    mutating func askForRelease(of count: Int) {
        release = .asked
        releasing = count
        overtaken = chains.compactMapValues(\.parking)
    }

    /// Redis has moved it into the log.
    mutating func releaseMoved() { release = .moved }

    mutating func releaseAdmitted() { release = .admitted }

    /// All of it has ended or is back, nothing was there, or Redis did not answer.
    mutating func endRelease() {
        release = .none
        overtaken.removeAll()
    }

    /// The turn of this activity will end in the held queue.
    mutating func park(_ activity: ActivityID, in order: OrderKey) {
        chains[order]?.park(activity)
        guard release != .none else { return }
        if let other = overtaken[order] {
            overtaken[order] = min(activity, other)
        } else if overtaken.count < DeliveryMachine.chainLimit {
            overtaken[order] = activity
        }
    }
}

/// Memory and clocks.
extension Host {
    /// Takes over what somebody wrote down about it.
    ///
    /// It was written by another clock, or by this one before it was set right: no pause and no wait
    /// for a probe is taken to be longer than one that is given.
    package mutating func recall(_ condition: HostCondition, now: Instant, wall: WallTime) {
        if let success = condition.lastSuccess { lastSuccess = min(success, wall) }
        if let until = condition.suspendedUntil, until > wall {
            suspendedUntil = now + min(until - wall, Judge.suspensionLimits.upperBound)
        }
        guard let failing = condition.failingSince else { return }
        let since = now + (min(failing, wall) - wall)
        let due = max(condition.probeDue ?? wall, wall)
        circuit = Circuit(
            openSince: since,
            probeDue: now + min(due - wall, Circuit.longestProbeInterval(after: now - since)),
            cause: condition.cause ?? "unknown")
    }

    package func condition(now: Instant, wall: WallTime) -> HostCondition {
        HostCondition(
            suspendedUntil: suspendedUntil.map { wall + ($0 - now) },
            failingSince: circuit.outage.map { wall + ($0.since - now) },
            probeDue: circuit.outage.map { wall + ($0.probeDue - now) },
            cause: circuit.outage?.cause ?? lastError, lastSuccess: lastSuccess)
    }
}
