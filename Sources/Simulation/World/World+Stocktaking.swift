internal import DeliveryCore

/// What PostgreSQL says that is owed, and whether Redis has it.
extension World {
    /// What was given to Redis later is not asked about. Longer than what a worker leaves lying of
    /// its own intake (30 s), as the five minutes of PostgreSQL are: that comes back by itself.
    private static let leastAge: Duration = .seconds(45)
    private static let pageSize = 256

    func findOwed(
        _ id: StocktakingID, after: ActivityID, _ partitions: [PartitionNumber]
    ) -> Event {
        let page = postgres.owingPage(after: after, count: Self.pageSize) { given in
            now - given.at >= Self.leastAge
        }
        guard let through = page.last else { return .owedFound(id, through: nil, []) }
        let owed = page.filter { !postgres.parked.contains($0) }.flatMap { id in
            partitions.compactMap { self.owed(by: id, to: $0) }
        }
        return .owedFound(id, through: through, owed)
    }

    private func owed(by id: ActivityID, to partition: PartitionNumber) -> Owed? {
        guard let activity = postgres.activity(id) else { return nil }
        let inboxes = activity.inboxes.filter {
            self.partition(of: $0) == partition
                && postgres.settled[Delivery(activity: id, inbox: $0)] == nil
        }
        if inboxes.isEmpty { return nil }
        return Owed(
            activity: id, lane: activity.lane, sender: SenderID(rawValue: UInt64(activity.sender)),
            partition: partition, inboxes: inboxes, hosts: inboxes.map(\.host))
    }

    func seek(
        _ id: StocktakingID, _ lease: OwnedLease, after cursor: StreamID,
        _ pointers: [DeliveryPointer]
    ) -> Event {
        let standing = redis.standing(in: lease.partition, after: cursor)
        let nowhere = pointers.filter { !standing.contains(Delivery($0)) }
        return .sought(id, lease.partition, nowhere: nowhere)
    }

    mutating func restore(_ lease: OwnedLease, _ fanouts: [Fanout], of number: Int) -> Event? {
        let name = Incarnation(rawValue: "w\(number)")
        guard redis.holds(lease, name, at: now) else { return .fenced(lease) }
        for fanout in fanouts {
            let deliveries = fanout.inboxes.map { Delivery(activity: fanout.activity, inbox: $0) }
            observe(.recovered(deliveries))
            redis.append(.fanout(fanout), to: lease.partition)
            observe(.stood(deliveries, isFresh: true))
        }
        wakeReaders()
        return nil
    }
}
