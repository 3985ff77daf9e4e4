internal import ArgumentParser
internal import DeliveryCore
internal import Glibc
internal import PostgresStore
internal import RedisQueue

/// `trunkline rebuild`
struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Makes what is owed in Redis anew, from PostgreSQL.",
        discussion: """
            Workers do so by themselves when Redis has lost its data or came back with older ones. \
            By hand it is for what they cannot see: keys that somebody deleted, a backup that was \
            put back. Nothing is lost by it, and nothing that is on record is sent again; \
            what waited for its next attempt is tried at once.

            The owner of a partition ends what it has in flight, clears what stands in Redis, and \
            brings back the audience of every activity without what has ended. The command returns \
            when that is done.

              trunkline rebuild --all
              trunkline rebuild --partition 7 --partition 12
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Every partition.")
    var all = false

    @Option(help: ArgumentHelp("A partition; repeatable.", valueName: "number"))
    var partition: [Int] = []

    func validate() throws {
        if all == partition.isEmpty { return }
        throw ValidationError(
            all ? "Name partitions or say --all, not both." : "Name partitions, or say --all.")
    }

    func run() throws {
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        let known = try asking { () throws(StoreFailure) in try database.partitionNumbers() }
        if let number = Set(partition).subtracting(known).min() {
            throw CommandFailure.failed(
                "there is no partition \(number): their numbers are 0 to \(known.count - 1)")
        }
        let ordered = try asking { () throws(StoreFailure) in
            try database.orderRebuild(of: all ? nil : partition)
        }
        try redis.tellWorkers("rebuild: \(count(ordered.count))")
        guard try !alive(redis).isEmpty else {
            return print("\(count(ordered.count)) will be rebuilt: no worker is alive just now")
        }
        try wait(for: ordered, redis)
        print("\(count(ordered.count)) rebuilt")
    }

    private func wait(for ordered: [OrderedRebuild], _ redis: borrowing RedisClient) throws {
        var rest = ordered
        var told = ordered.count
        while !rest.isEmpty {
            pause()
            rest = try rest.filter { try !isDone($0, redis) }
            guard rest.count < told, !rest.isEmpty else { continue }
            told = rest.count
            note("\(count(rest.count)) to go")
        }
    }

    /// A quarter of a second.
    private func pause() { poll(nil, 0, 250) }

    /// The owner writes the mark last.
    private func isDone(_ ordered: OrderedRebuild, _ redis: borrowing RedisClient) throws -> Bool {
        let generation = try askRedis { () throws(RedisFailure) in
            try redis.generation(of: ordered.partition)
        }
        return generation == ordered.generation
    }

    private func alive(_ redis: borrowing RedisClient) throws -> [String] {
        try askRedis { () throws(RedisFailure) in try redis.aliveWorkers() }
    }

    private func askRedis<Value>(
        _ body: () throws(RedisFailure) -> Value
    ) throws(CommandFailure) -> Value {
        do {
            return try body()
        } catch {
            throw .failed("Redis: \(error.sentence)")
        }
    }

    private func count(_ number: Int) -> String {
        "\(number) partition\(number == 1 ? "" : "s")"
    }
}

private struct OrderedRebuild {
    var partition: PartitionNumber
    /// What its mark must say when it is done.
    var generation: String
}

extension Database {
    fileprivate func partitionNumbers() throws(StoreFailure) -> [Int] {
        try query("select number from trunkline.partition").compactMap { row in
            row[0].flatMap { Int($0) }
        }
    }

    /// A new generation: whatever Redis has of the partition is worth nothing from now on.
    ///
    /// - Parameter numbers: nil: all.
    fileprivate func orderRebuild(
        of numbers: [Int]?
    ) throws(StoreFailure) -> [OrderedRebuild] {
        try transaction { () throws(StoreFailure) in
            let wanted = numbers.map { "{\($0.map(String.init).joined(separator: ","))}" }
            let rows = try query(
                """
                update trunkline.partition set generation = gen_random_uuid()
                where $1::int[] is null or number = any ($1::int[])
                returning number, generation
                """, [wanted])
            try audit("rebuild", subject: numbers.map { "partitions \($0)" } ?? "all partitions")
            return rows.compactMap { row in
                guard let number = row[0].flatMap({ Int($0) }), let generation = row[1] else {
                    return nil
                }
                return OrderedRebuild(
                    partition: PartitionNumber(rawValue: number), generation: generation)
            }
        }
    }
}
