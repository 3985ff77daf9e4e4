/// Storing what came in: the commit after which an activity is never lost.

internal import DeliveryCore

extension PostgresStore {
    /// Stores the activities in one transaction, committed durably; one answer for each, in order.
    ///
    /// One that PostgreSQL rejects is found by halving and refused alone. After `away` some may be
    /// stored already: asked again, they are known.
    package func expand(
        _ activities: [ExpandedActivity],
        completion: @escaping (Result<[StoredActivity], StoreFailure>) -> Void
    ) {
        // An empty transaction: the answer comes in a later turn all the same.
        if activities.isEmpty {
            return expanding.transact([]) { completion($0.map { _ in [] }) }
        }
        Expansion(store: self, activities: activities, completion: completion).step()
    }
}

/// One call of `expand` on its way; alive as long as an answer is owed to it.
private final class Expansion {
    private let store: PostgresStore
    private let completion: (Result<[StoredActivity], StoreFailure>) -> Void
    private let activities: [ExpandedActivity]
    /// Positions of the first of each idempotency key; the others are known afterwards.
    private let firsts: [Int]
    private var answers: [StoredActivity?]
    private var bisection: Bisection
    private var hasEnsuredPartitions = false

    init(
        store: PostgresStore, activities: [ExpandedActivity],
        completion: @escaping (Result<[StoredActivity], StoreFailure>) -> Void
    ) {
        self.store = store
        self.completion = completion
        self.activities = activities
        var seen: Set<Spelling> = []
        firsts = activities.indices.filter {
            seen.insert(Spelling(PostgresText.sanitised(activities[$0].idempotencyKey))).inserted
        }
        answers = Array(repeating: nil, count: activities.count)
        bisection = Bisection(count: firsts.count)
    }

    func step() {
        guard let range = bisection.next else { return lookUpKnown() }
        let positions = Array(firsts[range])
        store.expanding.transact(statements(positions.map { activities[$0] })) { [self] result in
            switch result {
            case .success(let tables):
                bisection.accepted()
                // Those without a row were known.
                for row in tables[3].map(InsertedRow.init) {
                    let position = positions[row.index]
                    answers[position] =
                        row.isBehind
                        ? .parkedBehind(row.id)
                        : .stored(ActivityRow(activities[position], as: row))
                }
                step()
            case .failure(.rejected(let sqlState, let message)):
                rejected(sqlState, message)
            case .failure(let failure):
                completion(.failure(failure))
            }
        }
    }

    private func rejected(_ sqlState: String, _ message: String) {
        // 23514 may also mean that today has no partition: no fault of any row.
        if sqlState == "23514" && !hasEnsuredPartitions {
            hasEnsuredPartitions = true
            store.ensurePartitions { [self] result in
                switch result {
                case .success: step()
                case .failure(let failure): completion(.failure(failure))
                }
            }
            return
        }
        if let index = bisection.rejected() {
            answers[firsts[index]] = .refused(sqlState: sqlState, message: message)
        }
        step()
    }

    private func lookUpKnown() {
        let open = answers.indices.filter { answers[$0] == nil }
        if open.isEmpty { return completion(.success(answers.compactMap { $0 })) }
        let keys = open.map { PostgresText.sanitised(activities[$0].idempotencyKey) }
        store.expanding.transact([Statement(selectKnown, [.texts(keys)])]) { [self] result in
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let tables): answerKnown(tables[0], open)
            }
        }
    }

    private func answerKnown(_ table: ResultTable, _ open: [Int]) {
        typealias Known = (
            id: ActivityID, lane: Lane?, audience: [InboxID], parked: Bool
        )
        let rows = table.map { row -> (Spelling, Known) in
            let key = Spelling(row.text())
            return (
                key,
                (
                    ActivityID(rawValue: row.bigint()),
                    row.optionalInt().flatMap { Lane(rawValue: UInt8(truncatingIfNeeded: $0)) },
                    row.ints().map(InboxID.init(rawValue:)), row.boolean()
                )
            )
        }
        let known = Dictionary(rows) { first, _ in first }
        for position in open {
            let activity = activities[position]
            let key = Spelling(PostgresText.sanitised(activity.idempotencyKey))
            if let row = known[key] {
                answers[position] = .known(
                    row.id, row.lane ?? activity.lane, audience: row.audience, parked: row.parked)
            } else {
                // The first of its key in this batch was refused, and so is it.
                answers[position] = .refused(
                    sqlState: "23000",
                    message: "the activity with the same idempotency key was refused")
            }
        }
        completion(.success(answers.compactMap { $0 }))
    }

    private func statements(_ batch: [ExpandedActivity]) -> [Statement] {
        // Audiences differ in length, and arrays of arrays may not: one flat array and its slices.
        var audience: [Int32] = []
        var starts: [Int32] = []
        var ends: [Int32] = []
        for activity in batch {
            starts.append(Int32(audience.count + 1))
            audience.append(contentsOf: activity.everyone)
            ends.append(Int32(audience.count))
        }
        let unusable = batch.flatMap { activity in
            activity.unusable.map { (activity.idempotencyKey, $0) }
        }
        let dropped = batch.flatMap { activity in
            activity.dropped.map { (activity.idempotencyKey, $0) }
        }
        return [
            .commitDurably, .byIndex, Statement(frequent: "select trunkline.skip_lost_ids()"),
            Statement(
                frequent: insertActivities,
                [
                    .texts(batch.map(\.idempotencyKey)), .texts(batch.map(\.activityID)),
                    .texts(batch.map(\.type)), .byteArrays(batch.map(\.body)),
                    .byteArrays(batch.map(\.digest)), .texts(batch.map(\.keyID)),
                    .texts(batch.map(\.contentType)),
                    .smallints(batch.map { Int16($0.lane.rawValue) }),
                    .texts(batch.map(\.orderingKey)), .texts(batch.map(\.audienceName)),
                    .texts(batch.map(\.synchronization)), .timestamps(batch.map(\.expires)),
                    .ints(starts), .ints(ends), .texts(batch.map(\.parkedReason)),
                    .ints(audience),
                    .texts(unusable.map(\.0)), .ints(unusable.map(\.1.inbox.rawValue)),
                    .texts(unusable.map(\.1.reason)), .texts(unusable.map(\.1.detail)),
                    .texts(dropped.map(\.0)), .ints(dropped.map(\.1.rawValue)),
                ]),
        ]
    }
}

/// What PostgreSQL says of one that it has inserted.
private struct InsertedRow {
    /// In the batch.
    let index: Int
    let id: ActivityID
    let isBehind: Bool
    let createdAt: WallTime
    let isSuperseded: Bool

    init(_ row: inout RowReader) {
        // Ordinality counts from 1.
        index = Int(row.bigint()) - 1
        id = ActivityID(rawValue: row.bigint())
        isBehind = row.boolean()
        createdAt = row.time()
        isSuperseded = row.boolean()
    }
}

extension ActivityRow {
    fileprivate init(_ activity: ExpandedActivity, as row: InsertedRow) {
        self.init(
            id: row.id, activityID: PostgresText.sanitised(activity.activityID),
            body: activity.body, digest: activity.digest,
            keyID: PostgresText.sanitised(activity.keyID),
            contentType: activity.contentType.map(PostgresText.sanitised), lane: activity.lane,
            orderingKey: PostgresText.sanitised(activity.orderingKey), createdAt: row.createdAt,
            expires: activity.expires,
            synchronization: activity.synchronization.map(PostgresText.sanitised),
            type: PostgresText.sanitised(activity.type), isSuperseded: row.isSuperseded)
    }
}

/// Returns (ordinality, id, whether it was parked behind others, the time that is on record, whether a
/// Delete of its object was there before) of the ones that were not known.
///
/// Ids are given in the order of the batch, because what concerns one object is sent in the order of
/// its ids; keys are inserted in an order that all workers share, or two could wait for each other.
/// While anything of a sender is parked for a pause, what comes after it is parked behind it: it would
/// overtake it, when the pause has just ended or one worker has not heard of it yet.
private let insertActivities = """
    with item as (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[],
            $6::text[], $7::text[], $8::int2[], $9::text[], $10::text[], $11::text[],
            $12::timestamptz[], $13::int[], $14::int[], $15::text[]) with ordinality
        as item (key, activity_id, type, body, digest, key_id, content_type, lane, ordering_key,
            audience_name, synchronization, expires_at, audience_start, audience_end, parked, n)
    ), numbered as materialized (
        select item.key, trunkline.next_activity_id() as activity
        from (select key from item order by n) as item
    ), fresh as (
        insert into trunkline.intake (key, activity)
        select key, activity from numbered order by key
        on conflict (key) do nothing
        returning key, activity
    ), stored as (
        insert into trunkline.activity (id, activity_id, type, body, digest, key_id, content_type,
            lane, ordering_key, audience, audience_name, synchronization, expires_at)
        select fresh.activity, item.activity_id, item.type, item.body, item.digest, item.key_id,
            item.content_type, item.lane, item.ordering_key,
            ($16::int[])[item.audience_start:item.audience_end],
            item.audience_name, item.synchronization, item.expires_at
        from item join fresh on fresh.key = item.key
    ), dead as (
        insert into trunkline.failed (activity, inbox, reason, detail)
        select distinct on (fresh.activity, bad.inbox)
            fresh.activity, bad.inbox, bad.reason, bad.detail
        from unnest($17::text[], $18::int[], $19::text[], $20::text[])
            as bad (key, inbox, reason, detail)
        join fresh on fresh.key = bad.key
        order by fresh.activity, bad.inbox
    ), skipped as (
        insert into trunkline.outcome (activity, state, inbox_ids, epoch, worker, sequence)
        select fresh.activity, 'dropped', array_agg(gone.inbox order by gone.inbox), 0,
            'expansion', 0
        from unnest($21::text[], $22::int[]) as gone (key, inbox)
        join fresh on fresh.key = gone.key
        group by fresh.activity
    ), waiting as (
        insert into trunkline.parked (activity, reason, key_id)
        select fresh.activity, coalesce(item.parked, earlier.reason), item.key_id
        from item join fresh on fresh.key = item.key
        left join lateral (
            select p.reason from trunkline.parked p
            where p.key_id = item.key_id and starts_with(p.reason, '\(ParkedReason.pausedSender)')
                and item.audience_end - item.audience_start + 1 > (
                    select count(distinct bad.inbox)
                    from unnest($17::text[], $18::int[]) as bad (key, inbox)
                    where bad.key = item.key)
            limit 1
        ) earlier on true
        where coalesce(item.parked, earlier.reason) is not null
        returning activity
    )
    select item.n, fresh.activity, item.parked is null and waiting.activity is not null, now(),
        \(isSuperseded(id: "fresh.activity", "item"))
    from item join fresh on fresh.key = item.key
    left join waiting on waiting.activity = fresh.activity
    """

private let selectKnown = """
    select i.key, i.activity, a.lane::int, coalesce(a.audience, '{}'), p.activity is not null
    from trunkline.intake i
    left join trunkline.activity a on a.id = i.activity
    left join trunkline.parked p on p.activity = i.activity
    where i.key = any ($1)
    """
