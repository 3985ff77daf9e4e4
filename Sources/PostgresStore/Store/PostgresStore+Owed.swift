/// What is owed, as the record has it: for a partition of which Redis has lost something.

package import DeliveryCore

/// What an activity still owes to the hosts of one partition.
package struct OwedDeliveries: Equatable, Sendable {
    package var activity: ActivityID
    package var lane: Lane
    package var keyID: String
    package var partition: PartitionNumber
    package var inboxes: [InboxID]
}

extension PostgresStore {
    /// Bounds of one page: activities, and inboxes in their audiences.
    static let owedPageActivities = 256
    static let owedPageInboxes = 100_000

    /// No activity up to now has a higher id; those that come will have.
    package func newestActivity(
        completion: @escaping (Result<ActivityID, StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select (trunkline.day_of(now()) << 40) | last_value from trunkline.activity_sequence
            """)
        reading.transact([statement]) { result in
            completion(result.map { $0[0].map { ActivityID(rawValue: $0.bigint()) }[0] })
        }
    }

    /// A page of what activities after this one, and up to that one, still owe to hosts of these
    /// partitions: audience - outcomes - failed. Parked ones owe nothing yet. `through` is the last
    /// activity of the page; nil: there was none.
    package func owedPage(
        after: ActivityID, upTo last: ActivityID, of partitions: [PartitionNumber],
        completion:
            @escaping (Result<(through: ActivityID, owed: [OwedDeliveries])?, StoreFailure>) -> Void
    ) {
        let bounds = Statement(
            """
            select max(id) from (
                select id, sum(size) over (order by id) - size as before from (
                    select id, cardinality(audience) as size from trunkline.activity
                    where id > $1 and id <= $2 order by id limit $3) as next) as page
            where before < $4
            """,
            [
                .bigint(after.rawValue), .bigint(last.rawValue),
                .bigint(Int64(Self.owedPageActivities)), .bigint(Int64(Self.owedPageInboxes)),
            ])
        reading.transact([bounds]) { [weak self] result in
            guard let self else { return completion(.failure(.away("closed"))) }
            let found = result.map { $0[0].map { $0.optionalBigint() }.first ?? nil }
            switch found {
            case .failure(let failure): completion(.failure(failure))
            case .success(nil): completion(.success(nil))
            case .success(.some(let id)):
                let through = ActivityID(rawValue: id)
                owed(after: after, through: through, of: partitions) { result in
                    completion(result.map { (through: through, owed: $0) })
                }
            }
        }
    }

    private func owed(
        after: ActivityID, through: ActivityID, of partitions: [PartitionNumber],
        completion: @escaping (Result<[OwedDeliveries], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            selectOwed,
            [
                .bigint(after.rawValue), .bigint(through.rawValue),
                .ints(partitions.map { Int32($0.rawValue) }),
            ])
        reading.transact([statement]) { result in
            completion(
                result.map { tables in
                    tables[0].map { row in
                        OwedDeliveries(
                            activity: ActivityID(rawValue: row.bigint()),
                            lane: Lane(rawValue: UInt8(truncatingIfNeeded: row.int())) ?? .normal,
                            keyID: row.text(),
                            partition: PartitionNumber(rawValue: Int(row.int())),
                            inboxes: row.ints().map(InboxID.init(rawValue:)))
                    }
                })
        }
    }
}

private let selectOwed = """
    select a.id, a.lane::int, a.key_id, h.partition, array_agg(i.id order by i.id)
    from trunkline.owed($1 + 1, $2 + 1) as owed
    join trunkline.activity a on a.id = owed.activity and a.id > $1 and a.id <= $2
    join trunkline.inbox i on i.id = owed.inbox
    join trunkline.host h on h.id = i.host
    where h.partition = any ($3)
        and not exists (select from trunkline.parked p where p.activity = a.id)
    group by a.id, a.lane, a.key_id, h.partition
    order by a.id, h.partition
    """
