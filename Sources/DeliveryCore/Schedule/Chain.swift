/// What may not overtake each other at a host: the ordering key of one sender, hashed.
package struct OrderKey: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: OrderKey, right: OrderKey) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What an activity does to its object, as far as order is concerned.
package enum ActivityKind: Sendable {
    /// Create or Update: pointless once the object is deleted.
    case revision
    /// Delete: makes revisions pointless, and is itself always sent.
    case deletion
    case other
}

/// The deliveries of one sender to one host that concern one object, in their order.
///
/// Of one activity several may be under way (to several inboxes); the next activity waits until the
/// last of them has ended, or stands in Redis again. Never a whole host: a poison activity delays
/// its own object and nothing else.
package struct Chain: Sendable {
    /// The activity whose deliveries have their turn.
    var active = ActivityID(rawValue: 0)
    /// Deliveries of it that have not ended and do not stand in Redis.
    var open = 0
    /// Those of later activities, oldest first.
    var waiting: [DeliveryIndex] = []
    /// The oldest that has been on its way to the held queue since none was.
    private(set) var parking: ActivityID?
    /// Turns that are on their way there.
    private var parkingCount = 0
    /// The oldest whose turn has ended in the held queue since one was last given.
    var parked: ActivityID?
    /// Those that stand in `later`, and until when.
    private var deferred: [Deferred: WallTime] = [:]

    private struct Deferred: Hashable {
        var activity: ActivityID
        var inbox: InboxID
    }

    mutating func park(_ activity: ActivityID) {
        parking = min(activity, parking ?? activity)
        parkingCount += 1
    }

    /// One of them stands in the queue, or has been taken back.
    mutating func parkingEnded() {
        parkingCount -= 1
        if parkingCount == 0 { parking = nil }
    }

    /// One has its turn, and nothing waits for its end.
    var isLoneTurn: Bool { open == 1 && waiting.isEmpty && deferred.isEmpty }

    var isEmpty: Bool { open == 0 && waiting.isEmpty && deferred.isEmpty }

    /// When the last predecessor of this activity comes back from `later`; nil: none is there.
    func deferral(before activity: ActivityID) -> WallTime? {
        if deferred.isEmpty { return nil }
        return deferred.filter { $0.key.activity < activity }.values.max()
    }

    mutating func putOff(_ pointer: DeliveryPointer, until: WallTime) {
        deferred[Deferred(activity: pointer.activity, inbox: pointer.inbox)] = until
    }

    mutating func returned(_ pointer: DeliveryPointer) {
        deferred[Deferred(activity: pointer.activity, inbox: pointer.inbox)] = nil
    }

    func hasDeferrals(before time: WallTime) -> Bool {
        deferred.values.contains { $0 < time }
    }

    /// What should have come back long ago went another way; nobody waits for it for ever.
    mutating func forgetDeferrals(before time: WallTime) {
        deferred = deferred.filter { $0.value >= time }
    }
}

/// A turn that ends in its host's held queue.
struct ParkedTurn: Equatable, Sendable {
    var chain: ChainKey
    var pointer: DeliveryPointer
    /// At the tail what follows it goes behind it.
    var isAtHead: Bool
}

/// Where an order holds: one chain.
package struct ChainKey: Hashable, Sendable {
    package var host: HostID
    package var order: OrderKey

    package init(host: HostID, order: OrderKey) {
        self.host = host
        self.order = order
    }
}
