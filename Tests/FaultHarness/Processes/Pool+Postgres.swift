import PostgresStore

/// What the pool has on record.
extension Pool {
    @discardableResult
    package func query(_ sql: String, _ parameters: [String?] = []) throws -> [[String?]] {
        do {
            return try Database(connectionString: services.connectionString)
                .query(sql, parameters)
        } catch StoreFailure.away {
            // A pooler may hand out a server's connection that it is about to close, because who had
            // it before was killed.
            return try Database(connectionString: services.connectionString)
                .query(sql, parameters)
        }
    }

    /// Rows of the view per state, of the activities of these deliveries.
    package func states(of deliveries: Set<Pair>) throws -> [String: Int] {
        let activities = Set(deliveries.map(\.activity)).map { "\"\($0)\"" }
        let rows = try query(
            """
            select state, count(*) from trunkline.delivery where activity = any ($1) group by 1
            """, ["{" + activities.joined(separator: ",") + "}"])
        return Dictionary(
            uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1].flatMap { Int($0) } ?? 0) })
    }

    /// The view's row of one delivery.
    package func delivery(_ pair: Pair) throws -> Delivery? {
        let rows = try query(
            """
            select state, attempts, last_status, last_error from trunkline.delivery
            where activity = $1 and inbox = $2
            """, [pair.activity, pair.inbox])
        return rows.first.map {
            Delivery(
                state: $0[0] ?? "", attempts: $0[1].flatMap { Int($0) } ?? 0,
                lastStatus: $0[2].flatMap { Int($0) }, lastError: $0[3])
        }
    }

    package struct Delivery: Equatable {
        package var state: String
        package var attempts: Int
        package var lastStatus: Int?
        package var lastError: String?
    }
}
