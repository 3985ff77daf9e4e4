/// What the command line, the supervisor and the doctor do with the queue.

package import DeliveryCore

extension RedisClient {
    /// What every producer does: one XADD.
    package func enqueue(
        _ lane: Lane, fields: [(name: String, value: [UInt8])]
    ) throws(RedisFailure) -> StreamID {
        var command = RedisCommand("XADD", keys.intake(lane), "*")
        for field in fields {
            command.append(field.name)
            command.append(field.value)
        }
        guard let id = try perform(command).text.flatMap({ StreamID($0) }) else {
            throw .malformed("XADD answers no id")
        }
        return id
    }

    /// Frees what a worker that is certainly dead still holds; answers how many leases that were.
    ///
    /// Only for who has seen its process end: a living worker would find itself fenced. Throws when a
    /// node of a cluster was away, after the others' are free.
    @discardableResult
    package func releaseLeases(
        of incarnation: Incarnation, partitions: Range<Int>
    ) throws(RedisFailure) -> Int {
        let leases = partitions.map { keys.lease(PartitionNumber(rawValue: $0)) }
        let holders = attempt(leases.map { RedisCommand("GET", $0) })
        let releases = zip(leases, holders).compactMap { lease, holder -> RedisCommand? in
            guard let holder = try? holder.get().text, holder.hasPrefix("\(incarnation.rawValue) ")
            else {
                return nil
            }
            var operands = RedisScript.operands(keys: [lease])
            operands.append(holder)
            return RedisScript.releaseLease.evaluation(operands)
        }
        let released = attempt(releases)
        for outcome in holders + released { _ = try outcome.get() }
        return released.count { (try? $0.get().integer) == 1 }
    }

    /// Takes a dead worker off the list, so that the others share out its partitions now.
    package func retire(_ incarnation: Incarnation) throws(RedisFailure) {
        try perform(RedisCommand("ZREM", keys.workers, incarnation.rawValue))
    }

    package func facts() throws(RedisFailure) -> ServerFacts {
        let infos = try performOnEach(ServerFacts.info).map(\.reply)
        do {
            return try ServerFacts(infos: infos, configuration: perform(ServerFacts.configuration))
        } catch .refused {
            return try ServerFacts(infos: infos, configuration: nil)
        }
    }

    /// Tells the workers that these hosts were seen alive.
    package func hint(seenAlive hosts: [String]) throws(RedisFailure) {
        try perform(hosts.map { RedisCommand("XADD", keys.alive, "*", "host", $0) })
    }

    /// Tells the workers that PostgreSQL has new controls; answers their epoch.
    @discardableResult
    package func bumpControl(reason: String) throws(RedisFailure) -> Int64 {
        let epoch = try perform([
            RedisCommand("HINCRBY", keys.control, "epoch", "1"),
            RedisCommand("HSET", keys.control, "reason", reason),
        ])[0].expectInteger()
        try perform(RedisCommand("PUBLISH", keys.control, "\(epoch) \(reason)"))
        return epoch
    }
}
