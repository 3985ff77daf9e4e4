/// Intake entries that are not to be read again.

package import DeliveryCore

extension PostgresStore {
    /// Those of the entries that are set aside, and why. Of an activity
    /// ``loadActivities(_:completion:)`` tells.
    package func quarantined(
        _ entries: [IntakeReference],
        completion: @escaping (Result<[IntakeReference: CrashCount], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select c.lane::int, c.entry, c.crashes, c.stage, c.signal
            from unnest($1::int[], $2::text[]) as asked (lane, entry)
            join trunkline.crash c on c.lane = asked.lane and c.entry = asked.entry
            where c.quarantined_at is not null
            """,
            [
                .ints(entries.map { Int32($0.lane.rawValue) }),
                .texts(entries.map(\.id.description)),
            ])
        reading.transact([statement]) { result in
            completion(
                result.map { tables in
                    let rows = tables[0].map { row in
                        let (lane, id) = (row.lane(), StreamID(row.text()) ?? .zero)
                        return (IntakeReference(lane: lane, id: id), CrashCount(&row))
                    }
                    return Dictionary(rows) { first, _ in first }
                })
        }
    }
}
