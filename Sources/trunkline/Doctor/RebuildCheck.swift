internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// Whether Redis has of every partition what PostgreSQL says that it should have.
enum RebuildCheck {
    /// Nothing, when one of them cannot be asked: that is told elsewhere.
    static func run(redis: borrowing RedisClient, database: Database) -> [Finding] {
        guard let lost = try? lost(redis, database) else { return [] }
        guard !lost.isEmpty else { return [.ok("redis data", "Redis has that of all partitions")] }
        return [
            .warning(
                "redis data",
                "Redis has lost that of \(lost.count) partitions, or they are new: nothing of them is "
                    + "delivered yet",
                mend: "running workers bring them back from PostgreSQL and say so in their log; if "
                    + "it lasts, look there")
        ]
    }

    private static func lost(
        _ redis: borrowing RedisClient, _ database: Database
    ) throws -> [PartitionNumber] {
        try database.query("select number, generation from trunkline.partition").compactMap { row in
            guard let number = row[0].flatMap({ Int($0) }) else { return nil }
            let partition = PartitionNumber(rawValue: number)
            return try redis.generation(of: partition) == row[1] ? nil : partition
        }
    }
}
