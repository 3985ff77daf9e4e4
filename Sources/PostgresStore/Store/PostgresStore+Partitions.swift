/// Who owns a partition: the epoch that every flush is checked against.

package import DeliveryCore

package struct PartitionRow: Equatable, Sendable {
    package var number: PartitionNumber
    package var epoch: Epoch
    /// What Redis' mark of the partition must say, or its data was lost.
    package var generation: String
    package var redisRunID: String?
}

extension PostgresStore {
    /// Counts the partition's owner up: from the commit on, the one before writes nothing.
    ///
    /// Waits for a flush of the owner before. Asked twice it counts twice, which does no harm.
    package func takeEpoch(
        _ partition: PartitionNumber,
        completion: @escaping (Result<Epoch, StoreFailure>) -> Void
    ) {
        let statements = [
            Statement.commitDurably,
            Statement(
                """
                update trunkline.partition set epoch = epoch + 1 where number = $1 returning epoch
                """, [.int(Int32(partition.rawValue))]),
        ]
        // Beside the flushes, not behind them: a slow one of ours must not delay a takeover.
        expanding.transact(statements) { result in
            completion(
                result.flatMap { tables in
                    tables[1].map { Epoch(rawValue: $0.bigint()) }.first.map(Result.success)
                        ?? .failure(
                            .refused(
                                sqlState: "02000",
                                message: "partition \(partition.rawValue) does not exist"))
                })
        }
    }

    /// All partitions, by number.
    package func loadEpochs(
        completion: @escaping (Result<[PartitionRow], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select number, epoch, generation::text, redis_run_id
            from trunkline.partition order by number
            """)
        reading.transact([statement]) { result in
            completion(
                result.map {
                    $0[0].map { row in
                        PartitionRow(
                            number: PartitionNumber(rawValue: Int(row.int())),
                            epoch: Epoch(rawValue: row.bigint()), generation: row.text(),
                            redisRunID: row.optionalText())
                    }
                })
        }
    }
}
