internal import DeliveryCore

/// Per (host, sender, ordering key): what was stored first is sent first, a retry stays ahead of
/// its successors, and nothing of an object is sent to a host that has its Delete.
///
/// Only what was routed before counts: an owner cannot wait for what does not stand in Redis yet. Nor
/// can one that Redis has forgotten together with its lease, and that has not heard of it, wait for
/// what its successor has brought back. What a Delete supersedes has ended, and holds up nobody.
struct Order: Checker {
    static let name = "order"
    static let heeds: Set<Observation.Kind> = [
        .stood, .settled, .answered, .sent, .accepted, .forgot,
    ]

    private struct Line: Hashable {
        var host: HostID
        var sender: Int
        var key: UInt64
    }

    private var lines: [Line: [Delivery]] = [:]
    private var deleted: Set<Line> = []
    private var known: Set<Delivery> = []
    private var ended: Set<Delivery> = []
    /// What Redis had lost and has again.
    private var broughtBack: Set<Delivery> = []
    private var lost: Set<Delivery> = []

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .stood(let deliveries, isFresh: true):
            for delivery in deliveries { join(delivery, in: world) }
        case .forgot:
            // What Redis has lost is nowhere to be waited for until it is brought back.
            let left = world.redis.deliveries.sorted { $0.activity < $1.activity }
            // Back to a time before an earlier loss: of what stands there again no owner has heard,
            // until somebody brings it back once more.
            let risen = lost.intersection(left)
            lost.formUnion(known)
            (lines, known) = ([:], [])
            lost.subtract(left)
            lost.formUnion(risen)
            for delivery in left where !risen.contains(delivery) { join(delivery, in: world) }
        case .settled(let delivery, _, _):
            end(delivery, in: world)
        case .answered(let sending, let answering) where answering.isFinal(of: sending):
            // The next may go before the commit: a kill between them repeats this one, no more.
            end(sending.delivery, in: world)
        case .sent(let sending):
            guard sending.isOrdered else { return nil }
            return check(sending, in: world)
        case .accepted(let sending) where sending.kind == .delete:
            deleted.insert(
                Line(host: sending.host, sender: sending.sender, key: sending.orderingKey))
        default: break
        }
        return nil
    }

    private mutating func end(_ delivery: Delivery, in world: World) {
        ended.insert(delivery)
        guard let line = line(of: delivery, in: world) else { return }
        lines[line]?.removeAll { $0 == delivery }
        if lines[line]?.isEmpty == true { lines[line] = nil }
    }

    private mutating func join(_ delivery: Delivery, in world: World) {
        // It may have been brought back from PostgreSQL, and have ended, before it was routed.
        guard !ended.contains(delivery), let line = line(of: delivery, in: world),
            known.insert(delivery).inserted
        else { return }
        if lost.contains(delivery) { broughtBack.insert(delivery) }
        lines[line, default: []].append(delivery)
    }

    private func check(_ sending: Sending, in world: World) -> Breach? {
        let line = Line(host: sending.host, sender: sending.sender, key: sending.orderingKey)
        if sending.kind != .delete, deleted.contains(line), !sending.isAgain {
            return Breach(
                "\(sending.delivery) (\(sending.kind)) is sent after the Delete of its object",
                .delivery(sending.delivery))
        }
        let before = lines[line]?.prefix { $0 != sending.delivery } ?? []
        let isForgotten = !world.holdsLease(sending)
        let first = before.first { earlier in
            earlier.activity < sending.delivery.activity
                && !(isForgotten && broughtBack.contains(earlier)
                    && !world.isInFlight(earlier, of: sending))
        }
        guard let earlier = first else { return nil }
        // A Delete goes when it may; it ends those before it that its owner has not in flight. Of
        // what a former owner has, nobody knows.
        if sending.kind == .delete, !world.isInFlight(earlier, of: sending) { return nil }
        return Breach(
            "\(sending.delivery) (\(sending.kind)) is sent before \(earlier) has ended",
            .delivery(earlier))
    }

    private func line(of delivery: Delivery, in world: World) -> Line? {
        guard let activity = world.postgres.activity(delivery.activity), activity.kind.isOrdered
        else { return nil }
        return Line(
            host: delivery.inbox.host, sender: activity.sender, key: activity.orderingKey)
    }
}

extension World {
    /// Whether the sender has that in flight too, in the same ownership.
    fileprivate func isInFlight(_ delivery: Delivery, of sending: Sending) -> Bool {
        workers.contains(sending.worker)
            && workers[sending.worker].flights.values.contains {
                $0.delivery == delivery && $0.ownership == sending.ownership
            }
    }

    /// Whether Redis knows the sender as the owner.
    fileprivate func holdsLease(_ sending: Sending) -> Bool {
        let lease = redis.partitions[partition(of: sending.delivery.inbox).rawValue].lease
        return lease?.owner == Incarnation(rawValue: "w\(sending.worker)")
    }
}

extension TrafficKind {
    /// Others have a key of their own.
    var isOrdered: Bool { self == .create || self == .update || self == .delete }
}

extension Sending {
    var isOrdered: Bool { kind.isOrdered }
}

extension Answering {
    /// Nothing more is sent of the delivery, whatever becomes of the commit.
    func isFinal(of sending: Sending) -> Bool {
        guard case .answered(let answer) = exchange else { return false }
        switch answer.status {
        case 200..<400, 404, 410: return true
        // On a fresh connection it is meant.
        case 421: return sending.isAgain
        default: return false
        }
    }
}
