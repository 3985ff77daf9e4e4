internal import DeliveryCore

/// What Redis has lost of a partition, found and brought back by its owner.
extension World {
    /// So long after its number was given an activity is on its way through Redis.
    private static let settlingTime: Duration = .seconds(20)

    mutating func examine(_ lease: OwnedLease) -> Event {
        let partition = lease.partition
        guard isPostgresUp else { return .ownershipFailed(partition) }
        guard postgres.epoch(partition) == lease.epoch else { return .fenced(lease) }
        let condition = PartitionCondition(
            redis.partitions[partition.rawValue].mark, by: redis.process,
            record: postgres.record(of: partition))
        return .examined(partition, condition)
    }

    /// Others go on between its two steps. The answer comes with the second.
    mutating func beginRebuild(
        _ lease: OwnedLease, after activity: ActivityID?, _ number: Int, _ name: Incarnation,
        _ promise: Promise
    ) -> Event? {
        guard redis.holds(lease, name, at: now) else { return .fenced(lease) }
        if activity == nil {
            observe(.cleared(lease.partition, redis.deliveries(of: lease.partition)))
            redis.clear(lease.partition)
        }
        agenda.add(
            .restore(number, lease, after: activity ?? .zero, upTo: postgres.newest, promise),
            at: now + delay(1...200))
        return nil
    }

    mutating func restore(
        _ lease: OwnedLease, after activity: ActivityID, upTo last: ActivityID, of number: Int,
        _ promise: Promise
    ) {
        let name = Incarnation(rawValue: "w\(number)")
        guard isRedisUp, promise.connection == redisConnection, isPostgresUp else {
            // Halfway: some of it stands there, and the mark says what it said.
            return deliver(.ownershipFailed(lease.partition), to: number)
        }
        guard redis.holds(lease, name, at: now) else { return deliver(.fenced(lease), to: number) }
        let owed = postgres.owed(givenAfter: activity, upTo: last) {
            partition(of: $0) == lease.partition
        }
        for (id, activity, inboxes) in owed {
            let routes = stored(id, activity, inboxes, again: true)
            for (partition, fanout) in routes.routes.entries(
                activity: id, lane: activity.lane, sender: routes.sender, again: true)
            {
                redis.append(.fanout(fanout), to: partition)
            }
            observe(.stood(inboxes.map { Delivery(activity: id, inbox: $0) }, isFresh: true))
        }
        redis.mark(lease.partition, through: last)
        postgres.noteWhole(lease, at: redis.process)
        observe(.mutated(number, lease))
        observe(.rebuilt(lease.partition))
        deliver(.rebuilt(lease, through: last), to: number)
    }

    /// What marks tell: the newest activity of a while ago.
    mutating func oldNewestActivity() -> ActivityID? {
        newestActivities.append((now, postgres.newest))
        let old = newestActivities.lastIndex { now - $0.at >= Self.settlingTime }
        newestActivities.removeFirst(old ?? 0)
        return old == nil ? nil : newestActivities[0].activity
    }
}
