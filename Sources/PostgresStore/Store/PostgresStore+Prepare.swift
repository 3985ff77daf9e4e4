/// What a worker has to know of the server before it starts.

package struct StoreFacts: Equatable, Sendable {
    /// E.g. 150020 for 15.20.
    package var serverVersion: Int
    /// The newest migration that was applied; 0 without a schema.
    package var schemaVersion: Int
    /// 0 without a schema.
    package var partitionCount: Int
    /// The server's default. Ours are `on` where it matters, whatever stands here.
    package var synchronousCommit: String
    /// A standby: nothing can be written.
    package var inRecovery: Bool
}

extension PostgresStore {
    /// Asks for the facts, and makes sure of the daily partitions where there is a schema.
    package func prepare(completion: @escaping (Result<StoreFacts, StoreFailure>) -> Void) {
        let server = Statement(
            """
            select current_setting('server_version_num')::int,
                current_setting('synchronous_commit'), pg_is_in_recovery(),
                to_regclass('trunkline.migration') is not null
            """)
        reading.transact([server]) { [weak self] result in
            guard let self else { return completion(.failure(.away("closed"))) }
            let found = result.map { tables in
                tables[0].map { row in
                    (
                        facts: StoreFacts(
                            serverVersion: Int(row.int()), schemaVersion: 0, partitionCount: 0,
                            synchronousCommit: row.text(), inRecovery: row.boolean()),
                        hasSchema: row.boolean()
                    )
                }[0]
            }
            switch found {
            case .failure(let failure): completion(.failure(failure))
            case .success(let found) where !found.hasSchema: completion(.success(found.facts))
            case .success(let found): prepareSchema(found.facts, completion: completion)
            }
        }
    }

    private func prepareSchema(
        _ facts: StoreFacts, completion: @escaping (Result<StoreFacts, StoreFailure>) -> Void
    ) {
        let schema = Statement(
            """
            select coalesce(max(number), 0), (select count(*) from trunkline.partition)
            from trunkline.migration
            """)
        reading.transact([schema]) { [weak self] result in
            guard let self else { return completion(.failure(.away("closed"))) }
            let complete = result.map { tables in
                tables[0].map { row in
                    var facts = facts
                    facts.schemaVersion = Int(row.int())
                    facts.partitionCount = Int(row.bigint())
                    return facts
                }[0]
            }
            guard case .success(let facts) = complete, !facts.inRecovery,
                facts.schemaVersion == Migration.newest
            else { return completion(complete) }
            ensurePartitions { completion($0.map { _ in facts }) }
        }
    }
}
