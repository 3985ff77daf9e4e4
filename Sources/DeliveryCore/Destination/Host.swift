package import DequeModule

/// One remote host as this worker knows it: its queues, its window, its pauses.
package struct Host: Sendable {
    package let name: String
    package let partition: PartitionNumber
    /// Deliveries that may be sent now, by lane, oldest first.
    package private(set) var queues: [Deque<DeliveryIndex>]
    package var inFlight = 0
    /// It asked for a pause that ends then.
    package var suspendedUntil: Instant?
    /// Deliveries in its held queue, as Redis last said.
    package var held = 0
    /// Deliveries on their way into its held queue.
    package var holding = 0
    package var isReleasing = false
    package var signatures = SignatureMemory()
    package var lastSuccess: WallTime?
    /// What was last written to PostgreSQL about it.
    package var lastError: String?

    package init(name: String, partition: PartitionNumber) {
        self.name = name
        self.partition = partition
        queues = Array(repeating: [], count: Lane.allCases.count)
    }

    /// Deliveries that wait in Redis, or will in a moment.
    package var backlog: Int { held + holding }

    package var queued: Int { queues.reduce(0) { $0 + $1.count } }

    /// Nothing of it would be missed.
    package var isIdle: Bool {
        inFlight == 0 && backlog == 0 && suspendedUntil == nil && !isReleasing
            && queues.allSatisfy(\.isEmpty)
    }

    package func isSuspended(at now: Instant) -> Bool {
        if let suspendedUntil { now < suspendedUntil } else { false }
    }

    package mutating func enqueue(_ delivery: DeliveryIndex, in lane: Lane) {
        queues[Int(lane.rawValue)].append(delivery)
    }

    package mutating func dequeue(_ lane: Lane) -> DeliveryIndex? {
        queues[Int(lane.rawValue)].popFirst()
    }

    package func first(_ lane: Lane) -> DeliveryIndex? { queues[Int(lane.rawValue)].first }

    /// Takes everything queued out, oldest first within a lane.
    package mutating func removeQueued() -> [DeliveryIndex] {
        let all = queues.flatMap { $0 }
        for index in queues.indices { queues[index].removeAll() }
        return all
    }

    package mutating func removeQueued(where leaves: (DeliveryIndex) -> Bool) {
        for index in queues.indices { queues[index].removeAll(where: leaves) }
    }
}

/// What a host has shown of the signatures it takes (wire rules E1-E5: cavage first, the other only
/// on evidence, and evidence ages).
package struct SignatureMemory: Equatable, Sendable {
    /// Evidence for RFC 9421 is believed this long.
    static let evidenceTime: Duration = .seconds(30 * 86_400)
    /// A second knock that gained nothing is not made again for this long.
    static let futilityTime: Duration = .seconds(86_400)

    private var learned: Instant?
    private var futile: Instant?

    package init() {}

    package func profile(at now: Instant) -> SignatureProfile {
        if let learned, now - learned < Self.evidenceTime { return .messageSignatures }
        return .draftCavage
    }

    package func isKnockFutile(at now: Instant) -> Bool {
        if let futile { now - futile < Self.futilityTime } else { false }
    }

    /// Only a 2xx to the second signature proves anything.
    package mutating func knocked(accepted: Bool, at now: Instant) {
        if accepted { learned = now } else { futile = now }
    }

    package mutating func refused() { learned = nil }
}
