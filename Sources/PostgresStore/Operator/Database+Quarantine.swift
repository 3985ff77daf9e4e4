/// Crashes on record, and what was set aside for them: for the supervisor and the command line.

package import DeliveryCore

package struct CrashRecord: Equatable, Sendable {
    package var item: WorkItem
    /// The id in the activity's JSON; nil for an entry, and when the activity was dropped with its day.
    package var activityID: String?
    package var count: CrashCount
    /// ISO 8601, UTC.
    package var firstAt: String
    package var lastAt: String
    /// nil: it was not often enough.
    package var quarantinedAt: String?
}

extension Database {
    /// Counts a crash against what was in hand. A worker dies once: told again, it is not counted again.
    ///
    /// - Returns: how it stands now, and whether it was set aside with this one; nil: this one was on
    ///   record.
    @discardableResult
    package func noteCrash(
        of item: WorkItem, stage: String, signal: String, by worker: Incarnation
    ) throws(StoreFailure) -> (crashes: Int, isQuarantined: Bool, isNew: Bool)? {
        let (columns, values): (String, [String?])
        switch item {
        case .activity(let id): (columns, values) = ("activity", [String(id.rawValue), nil, nil])
        case .entry(let entry):
            (columns, values) = (
                "lane, entry", [nil, String(entry.lane.rawValue), entry.id.description]
            )
        }
        let rows = try query(
            """
            insert into trunkline.crash as c
                (activity, lane, entry, stage, signal, worker)
            values ($1::bigint, $2::smallint, $3, $4, $5, $6)
            on conflict (\(columns)) do update
            set crashes = case
                    when c.quarantined_at is null and c.last_at < now() - make_interval(hours => $8::int)
                    then 1 else c.crashes + 1 end,
                stage = excluded.stage, signal = excluded.signal,
                worker = excluded.worker, last_at = now(),
                quarantined_at = coalesce(c.quarantined_at, case
                    when c.crashes + 1 >= $7::int
                        and c.last_at >= now() - make_interval(hours => $8::int)
                        and $9::int > (
                            select count(*) from trunkline.crash others
                            where others.quarantined_at > now() - interval '1 hour')
                    then now() end)
            where c.worker <> excluded.worker
            returning crashes, quarantined_at is not null, quarantined_at is not distinct from now()
            """,
            values + [
                stage, signal, worker.rawValue, String(Quarantine.crashLimit),
                String(Quarantine.memory), String(Quarantine.hourlyLimit),
            ])
        guard let row = rows.first, let crashes = row[0].flatMap({ Int($0) }) else { return nil }
        return (crashes, row[1] == "t", row[2] == "t")
    }

    /// What is set aside, the latest first.
    package func quarantined(limit: Int) throws(StoreFailure) -> [CrashRecord] {
        try query(
            """
            select \(Self.crashColumns), c.lane, c.entry, a.activity_id
            from trunkline.crash c left join trunkline.activity a on a.id = c.activity
            where c.quarantined_at is not null order by c.quarantined_at desc limit $1::int
            """, [String(limit)]
        ).compactMap { row in
            let lane = row[7].flatMap { UInt8($0) }.flatMap(Lane.init(rawValue:))
            let entry = row[8].flatMap { StreamID($0) }
            return Self.crashRecord(row, entry: lane, entry, activityID: row[9])
        }
    }

    /// How often workers crashed with this stored activity in hand; nil: never.
    package func crashes(of id: ActivityID) throws(StoreFailure) -> CrashRecord? {
        try query(
            """
            select \(Self.crashColumns), a.activity_id
            from trunkline.crash c left join trunkline.activity a on a.id = c.activity
            where c.activity = $1::bigint
            """, [String(id.rawValue)]
        ).first.flatMap { Self.crashRecord($0, entry: nil, nil, activityID: $0[7]) }
    }

    private static let crashColumns =
        """
        c.activity, c.crashes, c.stage, c.signal, \(iso8601("c.first_at")), \
        \(iso8601("c.last_at")), \(iso8601("c.quarantined_at"))
        """

    private static func crashRecord(
        _ row: [String?], entry lane: Lane?, _ entry: StreamID?, activityID: String?
    ) -> CrashRecord? {
        let item: WorkItem
        if let id = row[0].flatMap({ Int64($0) }) {
            item = .activity(ActivityID(rawValue: id))
        } else if let lane, let entry {
            item = .entry(IntakeReference(lane: lane, id: entry))
        } else {
            return nil
        }
        return CrashRecord(
            item: item, activityID: activityID,
            count: CrashCount(
                crashes: row[1].flatMap { Int($0) } ?? 0, stage: row[2] ?? "",
                signal: row[3] ?? ""),
            firstAt: row[4] ?? "", lastAt: row[5] ?? "", quarantinedAt: row[6])
    }

    /// Makes what was set aside of the activities with this id in their JSON owed again, and forgets
    /// their crashes. They are parked, and so routed, once the workers hear of it.
    ///
    /// - Returns: how many deliveries had failed for it; nil: none of these is set aside.
    package func release(_ activityID: String) throws(StoreFailure) -> Int? {
        let row = try query(
            """
            with found as (
                select a.id, a.key_id from trunkline.activity a
                where a.activity_id = $1 and (
                    exists (
                        select from trunkline.crash c
                        where c.activity = a.id and c.quarantined_at is not null)
                    -- A worker may have failed the last of them after an earlier release.
                    or exists (
                        select from trunkline.failed f
                        where f.activity = a.id and f.reason = $2 and f.replayed_at is null))
            ), forgotten as (
                delete from trunkline.crash c using found where c.activity = found.id
            ), replayed as (
                update trunkline.failed f set replayed_at = now() from found
                where f.activity = found.id and f.reason = $2 and f.replayed_at is null
                returning f.inbox
            ), waiting as (
                insert into trunkline.parked (activity, reason, key_id)
                select id, $3, key_id from found on conflict (activity) do nothing
            )
            select (select count(*) from found), (select count(*) from replayed)
            """, [activityID, Quarantine.reason, ParkedReason.released])[0]
        return row[0] == "0" ? nil : row[1].flatMap { Int($0) }
    }
}
