import DeliveryCore
package import RedisQueue

/// What stands in the pool's Redis.
extension Pool {
    package static let lanes = ["urgent", "normal", "bulk"]

    /// What any producer does: one XADD; answers the id of the entry.
    @discardableResult
    package func enqueue(
        _ fields: [(String, String)], lane: String = "normal"
    ) throws -> String {
        try enqueue(fields.map { ($0, Array($1.utf8)) }, lane: lane)
    }

    @discardableResult
    package func enqueue(_ fields: [(String, [UInt8])], lane: String = "normal") throws -> String {
        let words = ["XADD", "trunkline:{intake}:\(lane)", "*"].map { Array($0.utf8) }
        let reply = try redis().command(words + fields.flatMap { [Array($0.utf8), $1] })
        guard let id = reply.text else { throw Program.Failure("XADD answers no id") }
        return id
    }

    package func redis() throws -> RedisClient {
        try RedisClient(endpoint: RedisEndpoint(services.redisURL))
    }

    /// Entries of all intake lanes and all partition logs.
    package func openEntries() throws -> Int {
        try sum(Self.lanes.map { "trunkline:{intake}:\($0)" }, command: "XLEN")
            + sum((0..<64).map { "trunkline:{p\($0)}:log" }, command: "XLEN")
    }

    /// Deliveries that wait for a time of their own.
    package func laterEntries() throws -> Int {
        try sum((0..<64).map { "trunkline:{p\($0)}:later" }, command: "ZCARD")
    }

    /// Those of them that go to one inbox.
    package func laterEntries(for inbox: String) throws -> Int {
        let rows = try query("select id from trunkline.inbox where url = $1", [inbox])
        guard let id = rows.first?[0].flatMap({ Int32($0) }) else { return 0 }
        let ranges = (0..<64).map { RedisCommand("ZRANGE", "trunkline:{p\($0)}:later", "0", "-1") }
        return try redis().perform(ranges).flatMap { $0.array ?? [] }.count {
            let waiting = $0.bytes.flatMap {
                Resolution.Later(bytes: $0, due: WallTime(milliseconds: 0))
            }
            return waiting?.pointer.inbox == InboxID(rawValue: id)
        }
    }

    /// Deliveries that wait for their host.
    package func heldEntries() throws -> Int {
        let keys = try redis().performOnEach(RedisCommand("KEYS", "trunkline:{p*}:held:*"))
            .flatMap { $0.reply.array ?? [] }
        return try sum(keys.compactMap(\.text), command: "LLEN")
    }

    /// The incarnation that holds each partition.
    package func leaseHolders() throws -> [Int: String] {
        try leases().mapValues { String($0.prefix { $0 != " " }) }
    }

    /// The lease of each partition that has one, as it stands: incarnation and epoch.
    package func leases() throws -> [Int: String] {
        let gets = (0..<64).map { RedisCommand("GET", "trunkline:{p\($0)}:lease") }
        let replies = try redis().perform(gets)
        return Dictionary(
            uniqueKeysWithValues: replies.enumerated().compactMap { partition, reply in
                reply.text.map { (partition, $0) }
            })
    }

    /// Entries set aside as malformed: their ids, codes and sentences.
    package func rejected() throws -> [(id: String, code: String, reason: String)] {
        let reply = try redis().command(["XRANGE", "trunkline:{intake}:rejected", "-", "+"])
        return (reply.array ?? []).map { entry in
            let values = (entry.array?.last?.array ?? []).map { $0.text ?? "" }
            let value = { (name: String) in
                values.firstIndex(of: name).map { values[$0 + 1] } ?? ""
            }
            return (value("id"), value("code"), value("reason"))
        }
    }

    private func sum(_ keys: [String], command: String) throws -> Int {
        try redis().perform(keys.map { RedisCommand(command, $0) })
            .reduce(0) { $0 + Int($1.integer ?? 0) }
    }
}
