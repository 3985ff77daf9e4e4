internal import DeliveryCore
internal import RedisQueue

extension RedisClient {
    /// Makes the workers look at PostgreSQL now, not at their next pass.
    func tellWorkers(_ reason: String) throws(CommandFailure) {
        do {
            try bumpControl(reason: reason)
        } catch {
            throw .failed(
                "PostgreSQL has taken it, but Redis could not be told (\(error.sentence)): workers "
                    + "may notice late")
        }
    }

    /// Milliseconds since 1970, by Redis' clock.
    func time() throws(RedisFailure) -> Int64 {
        let reply = try command(["TIME"])
        let parts = (reply.array ?? []).compactMap { $0.text.flatMap { Int64($0) } }
        guard parts.count == 2 else { throw .malformed("TIME answers two numbers") }
        return parts[0] * 1_000 + parts[1] / 1_000
    }

    /// The generation that a partition's mark names; nil: Redis has lost the partition.
    func generation(of partition: PartitionNumber) throws(RedisFailure) -> String? {
        try command(["GET", keys.mark(partition)]).text.flatMap(PartitionMark.init)?.generation
    }

    /// Workers that were heard of lately.
    func aliveWorkers() throws(RedisFailure) -> [String] {
        let since = try time() - RedisQueue.aliveTime.wholeMilliseconds
        let reply = try command(["ZRANGEBYSCORE", keys.workers, String(since), "+inf"])
        return (reply.array ?? []).compactMap(\.text)
    }

    /// Entries of each lane that are not yet expanded.
    func intakeLengths() throws(RedisFailure) -> [(lane: Lane, length: Int64)] {
        var lengths: [(lane: Lane, length: Int64)] = []
        for lane in Lane.intake {
            lengths.append((lane, try command(["XLEN", keys.intake(lane)]).integer ?? 0))
        }
        return lengths
    }

    /// Entries of all lanes together, and of all partitions' logs.
    func queueLengths(partitions: Int) throws(RedisFailure) -> (intake: Int, log: Int) {
        var questions = Lane.intake.map { RedisCommand("XLEN", keys.intake($0)) }
        for number in 0..<partitions {
            questions.append(RedisCommand("XLEN", keys.log(PartitionNumber(rawValue: number))))
        }
        let lengths = try perform(questions).map { Int($0.integer ?? 0) }
        let lanes = Lane.intake.count
        return (lengths.prefix(lanes).reduce(0, +), lengths.dropFirst(lanes).reduce(0, +))
    }

    /// Which worker has each partition; one that nobody has is not there.
    func owners(partitions: Int) throws(RedisFailure) -> [Int: String] {
        let leases = (0..<partitions).map {
            RedisCommand("GET", keys.lease(PartitionNumber(rawValue: $0)))
        }
        var owners: [Int: String] = [:]
        for (number, reply) in try perform(leases).enumerated() {
            owners[number] = reply.text.map { String($0.prefix { $0 != " " }) }
        }
        return owners
    }

    /// Entries that were set aside as malformed, the newest first.
    func rejectedEntries(limit: Int) throws(RedisFailure) -> [RejectedRecord] {
        let reply = try command(["XREVRANGE", keys.rejected, "+", "-", "COUNT", String(limit)])
        return (reply.array ?? []).compactMap { RejectedRecord($0) }
    }
}

/// One entry of the rejected ones, as the workers write it.
struct RejectedRecord {
    var lane = ""
    /// Of the entry, as the producer was told.
    var id = ""
    /// Milliseconds since 1970.
    var at: Int64 = 0
    var code = ""
    var reason = ""
    /// The start of each field.
    var fields: [(name: String, value: String)] = []

    /// nil when it is not an entry of a stream.
    init?(_ entry: RedisReply) {
        guard let parts = entry.array, parts.count == 2, let values = parts[1].array else {
            return nil
        }
        for index in stride(from: 0, to: values.count - 1, by: 2) {
            let value = values[index + 1].text ?? ""
            switch values[index].text ?? "" {
            case "lane": lane = value
            case "id": id = value
            case "at": at = Int64(value) ?? 0
            case "code": code = value
            case "reason": reason = value
            case let name where name.hasPrefix("field:"):
                fields.append((String(name.dropFirst("field:".count)), value))
            default: break
            }
        }
    }

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The id in the body, if it stands in the start that is kept.
    var activityID: String? { field("activity").flatMap(MemberScan.id(in:)) }

    /// Whether the start of the body holds this id, be it its own or its object's.
    func mentions(_ id: String) -> Bool {
        field("activity")?.replacing("\\/", with: "/").contains("\"\(id)\"") == true
    }
}
