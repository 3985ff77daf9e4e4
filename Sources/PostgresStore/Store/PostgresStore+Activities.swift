/// Reading back what was stored, and what has ended of it.

package import DeliveryCore

package struct ActivityRow: Equatable, Sendable {
    package var id: ActivityID
    /// The id in its JSON.
    package var activityID: String
    package var body: [UInt8]
    package var digest: [UInt8]
    package var keyID: String
    package var contentType: String?
    package var lane: Lane
    package var orderingKey: String
    package var createdAt: WallTime
    package var expires: WallTime?
    package var synchronization: String?
    package var type: String
    /// A Create or Update of an object of which a Delete is on record.
    package var isSuperseded: Bool
    /// Set when it is set aside; it has no body then: whoever looks at it might crash.
    package var quarantine: CrashCount?
}

extension PostgresStore {
    /// Those of the activities that exist, in no particular order.
    package func loadActivities(
        _ ids: [ActivityID], completion: @escaping (Result<[ActivityRow], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            frequent: """
                select a.id, a.activity_id, case when c.activity is null then a.body else '' end,
                    a.digest, a.key_id, a.content_type, a.lane::int, a.ordering_key, a.created_at,
                    a.expires_at, a.synchronization, a.type,
                    \(isSuperseded(id: "a.id", "a")),
                    c.activity is not null, coalesce(c.crashes, 0), coalesce(c.stage, ''),
                    coalesce(c.signal, '')
                from trunkline.activity a
                left join trunkline.crash c on c.activity = a.id and c.quarantined_at is not null
                where a.id = any ($1)
                """, [.bigints(ids.map(\.rawValue))])
        reading.transact([.byIndex, statement]) { completion($0.map { $0[1].map(activityRow) }) }
    }

    /// Of each activity those of the inboxes that have an end on record: an outcome of any state,
    /// or a failure that was not replayed.
    package func settledInboxes(
        _ asked: [(ActivityID, [InboxID])],
        completion: @escaping (Result<[(ActivityID, Set<InboxID>)], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            selectSettled,
            [
                .bigints(asked.flatMap { id, inboxes in inboxes.map { _ in id.rawValue } }),
                .ints(asked.flatMap { $1.map(\.rawValue) }),
                .bigints(Set(asked.map(\.0.rawValue)).sorted()),
            ])
        reading.transact([statement]) { result in
            completion(
                result.map { tables in
                    let rows = tables[0].map { row in
                        (
                            ActivityID(rawValue: row.bigint()),
                            Set(row.ints().map(InboxID.init(rawValue:)))
                        )
                    }
                    let settled = Dictionary(rows) { first, _ in first }
                    return asked.map { id, inboxes in
                        (id, (settled[id] ?? []).intersection(inboxes))
                    }
                })
        }
    }
}

/// Whether a Create or Update has come too late: a Delete of its object is on record.
///
/// From the day before on: it may have been expanded first. `+ 0` keeps it off the primary key, by
/// which a plan of the day's first minutes would read the whole day.
func isSuperseded(id: String, _ relation: String) -> String {
    """
    \(relation).type in ('Create', 'Update') and exists (
        select from trunkline.activity d
        where d.key_id = \(relation).key_id and d.ordering_key = \(relation).ordering_key
            and d.type = 'Delete' and d.id + 0 > \(id) - (1::bigint << 40))
    """
}

/// Set against set: looking each inbox up in each array would be quadratic.
private let selectSettled = """
    select asked.activity, array_agg(distinct asked.inbox)
    from unnest($1::bigint[], $2::int[]) as asked (activity, inbox)
    join (
        select o.activity, unnest(o.inbox_ids) as inbox
        from trunkline.outcome o where o.activity = any ($3)
        union all
        select f.activity, f.inbox
        from trunkline.failed f where f.activity = any ($3) and f.replayed_at is null
    ) ended using (activity, inbox)
    group by asked.activity
    """

private func activityRow(_ row: inout RowReader) -> ActivityRow {
    var activity = ActivityRow(
        id: ActivityID(rawValue: row.bigint()), activityID: row.text(), body: row.byteArray(),
        digest: row.byteArray(), keyID: row.text(), contentType: row.optionalText(),
        lane: row.lane(), orderingKey: row.text(), createdAt: row.time(),
        expires: row.optionalTime(), synchronization: row.optionalText(),
        type: row.text(), isSuperseded: row.boolean())
    let isSetAside = row.boolean()
    let count = CrashCount(&row)
    activity.quarantine = isSetAside ? count : nil
    return activity
}

extension RowReader {
    /// The table admits no others.
    mutating func lane() -> Lane { Lane(rawValue: UInt8(int()))! }
}
