/// Who owns a partition: the epoch that every flush is checked against.

package import DeliveryCore

package struct PartitionRow: Equatable, Sendable {
    package var number: PartitionNumber
    package var epoch: Epoch
    package var record: PartitionRecord
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

    /// These partitions, by number; nil: all of them.
    package func loadPartitions(
        _ partitions: [PartitionNumber]? = nil,
        completion: @escaping (Result<[PartitionRow], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select number, epoch, generation::text, redis_run_id from trunkline.partition
            \(partitions == nil ? "" : "where number = any ($1)") order by number
            """, partitions.map { [.ints($0.map { Int32($0.rawValue) })] } ?? [])
        reading.transact([statement]) { result in
            completion(
                result.map {
                    $0[0].map { row in
                        PartitionRow(
                            number: PartitionNumber(rawValue: Int(row.int())),
                            epoch: Epoch(rawValue: row.bigint()),
                            record: PartitionRecord(
                                generation: row.text(), process: row.optionalText()))
                    }
                })
        }
    }

    /// Notes which Redis process has each of these partitions whole; one whose epoch is another now
    /// is its new owner's business.
    package func noteWhole(
        _ partitions: [(lease: OwnedLease, process: String)],
        completion: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            update trunkline.partition p set redis_run_id = whole.process
            from unnest($1::int[], $2::bigint[], $3::text[]) as whole (number, epoch, process)
            where p.number = whole.number and p.epoch = whole.epoch
            """,
            [
                .ints(partitions.map { Int32($0.lease.partition.rawValue) }),
                .bigints(partitions.map(\.lease.epoch.rawValue)),
                .texts(partitions.map(\.process)),
            ])
        reading.transact([.commitDurably, statement]) { completion($0.map { _ in }) }
    }
}
