/// What is past its retention: days that owe nothing any more, and old idempotency keys.

package struct Dropped: Equatable, Sendable {
    /// `2026_01_31`, ascending: the ends of the names of the partitions that are gone.
    package var days: [String]
    package var idempotencyKeys: Int

    package init(days: [String], idempotencyKeys: Int) {
        self.days = days
        self.idempotencyKeys = idempotencyKeys
    }
}

extension PostgresStore {
    /// An idempotency key is known for this long.
    package static let intakeDays = 7

    /// Drops the days older than the retention that owe nothing, one in a transaction, and forgets
    /// idempotency keys past their window. A day that somebody reads just now stays until the next
    /// time: `away`.
    package func dropPartitions(
        retainingDays days: Int, completion: @escaping (Result<Dropped, StoreFailure>) -> Void
    ) {
        dropPartitions(
            retainingDays: days, after: Dropped(days: [], idempotencyKeys: 0),
            completion: completion)
    }

    private func dropPartitions(
        retainingDays days: Int, after earlier: Dropped,
        completion: @escaping (Result<Dropped, StoreFailure>) -> Void
    ) {
        let statements = [
            selectDays,
            Statement(
                """
                with pruned as (
                    delete from trunkline.intake where at < now() - make_interval(days => $1)
                    returning 1)
                select count(*) from pruned
                """, [.int(Int32(Self.intakeDays))]),
            forgetCrashes,
            Statement(
                "select trunkline.drop_partitions($1, $2)",
                [.int(Int32(clamping: days)), .int(Int32(Self.intakeDays))]),
            selectDays,
        ]
        keeping.transact(statements) { [weak self] result in
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let tables):
                let left = Set(tables[4].map { $0.text() })
                let gone = tables[0].map { $0.text() }.filter { !left.contains($0) }
                let dropped = Dropped(
                    days: earlier.days + gone,
                    idempotencyKeys: earlier.idempotencyKeys
                        + Int(tables[1].map { $0.bigint() }[0]))
                guard !gone.isEmpty, let self else { return completion(.success(dropped)) }
                dropPartitions(retainingDays: days, after: dropped, completion: completion)
            }
        }
    }
}

/// Of an activity they are kept as long as it is, of an entry as long as an idempotency key.
private let forgetCrashes = Statement(
    """
    delete from trunkline.crash c
    where c.last_at < now() - make_interval(days => $1)
        and not exists (select from trunkline.activity a where a.id = c.activity)
    """, [.int(Int32(PostgresStore.intakeDays))])

private let selectDays = Statement(
    """
    select right(c.relname, 10) from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'trunkline.activity'::regclass order by 1
    """)
