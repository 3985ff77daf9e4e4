/// What `trunkline activity` and `trunkline host` show. Times are ISO 8601, UTC.

package import DeliveryCore

package struct ActivityRecord: Equatable, Sendable {
    package var id: ActivityID
    package var type: String
    package var keyID: String
    /// nil: it came with a list of recipients.
    package var audienceName: String?
    package var lane: Lane
    package var createdAt: String
    package var expiresAt: String?
    /// Set while it waits for its key.
    package var parkedReason: String?
    /// Of this stored activity: waiting, delivered, ... Only states that occur.
    package var counts: [String: Int]
}

/// A row of the view `trunkline.delivery`.
package struct DeliveryRecord: Equatable, Sendable {
    package var inbox: String
    package var host: String?
    package var state: String
    package var attempts: Int
    package var lastStatus: Int?
    package var lastError: String?
    package var updatedAt: String
}

package struct HostRecord: Equatable, Sendable {
    package var id: HostID
    package var name: String
    package var partition: PartitionNumber
    package var state: String
    package var concurrencyWindow: Double?
    package var failingSince: String?
    package var suspendedUntil: String?
    /// When the next probe may go; nil while it takes deliveries.
    package var probeDue: String?
    package var lastError: String?
    package var lastSuccessAt: String?
    package var updatedAt: String
    /// Deliveries to it without an end.
    package var owed: Int
    /// The newest first.
    package var attempts: [AttemptRecord]
}

package struct AttemptRecord: Equatable, Sendable {
    /// The id in the activity's JSON; nil when that was dropped with its day.
    package var activityID: String?
    package var inbox: String
    package var at: String
    package var reason: String
    package var status: Int?
    package var durationMilliseconds: Int
    package var detail: String
}

extension Database {
    /// All stored activities with this id in their JSON, the newest first.
    package func activityRecords(_ activityID: String) throws(StoreFailure) -> [ActivityRecord] {
        let rows = try query(
            """
            select a.id, a.type, a.key_id, a.lane, \(iso8601("a.created_at")),
                \(iso8601("a.expires_at")), p.reason, e.state, count(e.inbox),
                a.audience_name
            from trunkline.activity a
            left join trunkline.parked p on p.activity = a.id
            left join lateral trunkline.ends(a.id, a.audience) e on true
            where a.activity_id = $1
            group by a.id, p.activity, e.state order by a.id desc, e.state
            """, [activityID])
        var records: [ActivityRecord] = []
        for row in rows {
            let id = ActivityID(rawValue: Int64(row[0] ?? "") ?? 0)
            if records.last?.id != id {
                records.append(
                    ActivityRecord(
                        id: id, type: row[1] ?? "", keyID: row[2] ?? "", audienceName: row[9],
                        lane: row[3].flatMap { UInt8($0) }.flatMap(Lane.init(rawValue:)) ?? .normal,
                        createdAt: row[4] ?? "", expiresAt: row[5], parkedReason: row[6],
                        counts: [:]))
            }
            if let state = row[7] {
                records[records.count - 1].counts[state] = Int(row[8] ?? "")
            }
        }
        return records
    }

    /// The newest activities that are ordered by this object, as a Create and a Delete by their
    /// note. No index leads to them: after five seconds it is given up.
    package func activities(
        about object: String, limit: Int = 5
    ) throws(StoreFailure) -> [(activityID: String, type: String)] {
        try transaction { () throws(StoreFailure) in
            try query("set local statement_timeout = '5s'")
            return try query(
                """
                select activity_id, type from trunkline.activity where ordering_key = $1
                group by activity_id, type order by max(id) desc limit $2::int
                """, [object, String(limit)]
            ).map { ($0[0] ?? "", $0[1] ?? "") }
        }
    }

    /// Names of hosts like this one but for the port.
    package func hostsNamed(_ name: String, limit: Int = 10) throws(StoreFailure) -> [String] {
        let colon = name.hasSuffix("]") ? nil : name.lastIndex(of: ":")
        let bare = String(name[..<(colon ?? name.endIndex)])
        return try query(
            """
            select name from trunkline.host
            where name = $1 or starts_with(name, $1 || ':') order by name limit $2::int
            """, [bare, String(limit)]
        ).compactMap { $0[0] }
    }

    /// The deliveries of the activity with this id in its JSON, by inbox.
    package func deliveries(
        of activityID: String, limit: Int
    ) throws(StoreFailure) -> [DeliveryRecord] {
        try query(
            """
            select inbox, host, state, attempts, last_status, last_error, \(iso8601("updated_at"))
            from trunkline.delivery where activity = $1 order by inbox limit $2::int
            """, [activityID, String(limit)]
        ).map { row in
            DeliveryRecord(
                inbox: row[0] ?? "", host: row[1], state: row[2] ?? "",
                attempts: number(row[3]) ?? 0, lastStatus: number(row[4]), lastError: row[5],
                updatedAt: row[6] ?? "")
        }
    }

    /// What is known of a host, or nil. Counting what it is owed reads every stored audience.
    package func hostRecord(
        _ name: String, attemptLimit: Int = 20
    ) throws(StoreFailure) -> HostRecord? {
        let found = try query(
            """
            select id, name, partition, state, concurrency_window, \(iso8601("failing_since")),
                \(iso8601("suspended_until")), last_error, \(iso8601("last_success_at")),
                \(iso8601("updated_at")),
                case when state <> 'closed' then \(iso8601("probe_due")) end
            from trunkline.host where name = $1
            """, [name])
        guard let row = found.first else { return nil }
        return HostRecord(
            id: HostID(rawValue: Int32(row[0] ?? "") ?? 0), name: row[1] ?? "",
            partition: PartitionNumber(rawValue: number(row[2]) ?? 0), state: row[3] ?? "",
            concurrencyWindow: row[4].flatMap { Double($0) }, failingSince: row[5],
            suspendedUntil: row[6], probeDue: row[10], lastError: row[7], lastSuccessAt: row[8],
            updatedAt: row[9] ?? "", owed: try owed(host: row[0]),
            attempts: try attempts(host: row[0], limit: attemptLimit))
    }

    private func owed(host: String?) throws(StoreFailure) -> Int {
        let rows = try query(
            """
            with mine as (select array_agg(id) as ids from trunkline.inbox where host = $1::int)
            select count(*) from (
                select a.id, asked.inbox from mine, trunkline.activity a,
                    unnest(a.audience) as asked (inbox)
                where a.audience && mine.ids and asked.inbox = any (mine.ids)
                except
                select o.activity, each.inbox from mine, trunkline.outcome o,
                    unnest(o.inbox_ids) as each (inbox)
                where o.inbox_ids && mine.ids and each.inbox = any (mine.ids)
                except
                select f.activity, f.inbox from mine, trunkline.failed f
                where f.inbox = any (mine.ids) and f.replayed_at is null
            ) owed
            """, [host])
        return number(rows[0][0]) ?? 0
    }

    private func attempts(host: String?, limit: Int) throws(StoreFailure) -> [AttemptRecord] {
        try query(
            """
            select a.activity_id, i.url, \(iso8601("t.at")), t.class, t.status, t.duration_ms,
                t.detail
            from trunkline.inbox i
            cross join lateral (
                select * from trunkline.attempt t where t.inbox = i.id order by t.at desc
                limit $2::int
            ) t
            left join trunkline.activity a on a.id = t.activity
            where i.host = $1::int order by t.at desc limit $2::int
            """, [host, String(limit)]
        ).map { row in
            AttemptRecord(
                activityID: row[0], inbox: row[1] ?? "", at: row[2] ?? "", reason: row[3] ?? "",
                status: number(row[4]), durationMilliseconds: number(row[5]) ?? 0,
                detail: row[6] ?? "")
        }
    }

    private func number(_ text: String?) -> Int? { text.flatMap { Int($0) } }
}
