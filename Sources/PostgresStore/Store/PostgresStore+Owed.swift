/// What is owed, as the record has it: for a partition of which Redis has lost something, or for one
/// whose owner takes stock.

package import DeliveryCore

/// What an activity still owes to the hosts of one partition.
package struct OwedDeliveries: Equatable, Sendable {
    package var activity: ActivityID
    /// No activity was newer than that when it was last given to Redis.
    package var asOf: ActivityID
    package var lane: Lane
    package var keyID: String
    package var partition: PartitionNumber
    /// Ascending.
    package var inboxes: [InboxID]
    /// Of each inbox.
    package var hosts: [HostID]
}

/// Which activities that may owe something are asked for.
package struct OwedQuestion: Sendable {
    /// The page begins behind this one.
    package var after: ActivityID
    package var last: ActivityID
    /// Only what was given to Redis, fresh or once more, when there was a newer activity than this.
    package var givenAfter: ActivityID
    /// Only what was given to it so long ago.
    package var leastAge: Duration

    package init(
        after: ActivityID, last: ActivityID = ActivityID(rawValue: .max),
        givenAfter: ActivityID = .zero, leastAge: Duration = .zero
    ) {
        self.after = after
        self.last = last
        self.givenAfter = givenAfter
        self.leastAge = leastAge
    }
}

/// One page of the answer.
package struct OwedPage: Sendable {
    /// The last activity that was looked at.
    package var through: ActivityID
    package var owed: [OwedDeliveries]
}

extension PostgresStore {
    /// Bounds of one page: activities, and inboxes in their audiences. Preparations of deliveries
    /// wait behind a page of a rebuild, 20 ms or so.
    static let owedPageActivities = 256
    static let owedPageInboxes = 20_000

    /// No activity up to now has a higher id; those that come will have.
    package func newestActivity(
        completion: @escaping (Result<ActivityID, StoreFailure>) -> Void
    ) {
        reading.transact([Statement("select trunkline.newest_activity()")]) { result in
            completion(result.map { $0[0].map { ActivityID(rawValue: $0.bigint()) }[0] })
        }
    }

    /// A page of what activities owe to hosts of these partitions: audience - outcomes - failed.
    /// Parked ones owe nothing yet. nil: there is none left.
    ///
    /// - Parameter isUrgent: for a rebuild, which also brings back what is just about to be routed.
    ///   Or else it may wait for minutes, behind what keeps the daily partitions.
    package func owedPage(
        _ question: OwedQuestion, of partitions: [PartitionNumber], isUrgent: Bool,
        completion: @escaping (Result<OwedPage?, StoreFailure>) -> Void
    ) {
        let connection = isUrgent ? reading : keeping
        let bounds = Statement(
            """
            select array_agg(activity order by activity) from (
                select activity, sum(size) over (order by activity) - size as before from (
                    select activity, size from trunkline.owing
                    where activity > $1 and activity <= $2 and as_of > $3
                        and since <= now() - make_interval(secs => $4::float8 / 1000)
                    order by activity limit $5) as next) as page
            where before < $6
            """,
            [
                .bigint(question.after.rawValue), .bigint(question.last.rawValue),
                .bigint(question.givenAfter.rawValue),
                .bigint(question.leastAge.wholeMilliseconds),
                .bigint(Int64(Self.owedPageActivities)), .bigint(Int64(Self.owedPageInboxes)),
            ])
        connection.transact([bounds]) { [weak connection] result in
            guard let connection else { return completion(.failure(.away("closed"))) }
            switch result.map({ $0[0].map { $0.bigints() }[0] }) {
            case .failure(let failure): completion(.failure(failure))
            case .success(let activities):
                guard let last = activities.last else { return completion(.success(nil)) }
                let owed = selectOwed(by: activities, of: partitions, orWaking: isUrgent)
                connection.transact([owed]) { result in
                    completion(
                        result.map {
                            OwedPage(
                                through: ActivityID(rawValue: last),
                                owed: $0[0].map(owedDeliveries))
                        })
                }
            }
        }
    }

    /// Forgets, of a page of the activities that may owe something, those that owe nothing.
    /// nil: there was none left.
    package func sweepOwing(
        after: ActivityID, leastAge: Duration,
        completion: @escaping (Result<ActivityID?, StoreFailure>) -> Void
    ) {
        let sweep = Statement(
            "select trunkline.sweep_owing($1, $2, $3, make_interval(secs => $4::float8 / 1000))",
            [
                .bigint(after.rawValue), .int(Int32(Self.owedPageActivities * 4)),
                .int(Int32(Self.owedPageInboxes * 4)), .bigint(leastAge.wholeMilliseconds),
            ])
        keeping.transact([sweep]) { result in
            completion(
                result.map {
                    $0[0].map { $0.optionalBigint().map(ActivityID.init(rawValue:)) }[0]
                })
        }
    }
}

/// - Parameter orWaking: also what is parked and about to be routed.
private func selectOwed(
    by activities: [Int64], of partitions: [PartitionNumber], orWaking: Bool
) -> Statement {
    Statement(
        """
        select a.id, w.as_of, a.lane::int, a.key_id, h.partition,
            array_agg(i.id order by i.id), array_agg(h.id order by i.id)
        from trunkline.owed_by($1) as owed
        join trunkline.owing w on w.activity = owed.activity
        join trunkline.activity a on a.id = owed.activity and a.id = any ($1)
        join trunkline.inbox i on i.id = owed.inbox
        join trunkline.host h on h.id = i.host
        where h.partition = any ($2)
            and not exists (
                select from trunkline.parked p
                where p.activity = a.id and not (p.waking and $3))
        group by a.id, w.as_of, a.lane, a.key_id, h.partition
        order by a.id, h.partition
        """,
        [
            .bigints(activities), .ints(partitions.map { Int32($0.rawValue) }),
            .boolean(orWaking),
        ])
}

private func owedDeliveries(_ row: inout RowReader) -> OwedDeliveries {
    OwedDeliveries(
        activity: ActivityID(rawValue: row.bigint()), asOf: ActivityID(rawValue: row.bigint()),
        lane: row.lane(), keyID: row.text(),
        partition: PartitionNumber(rawValue: Int(row.int())),
        inboxes: row.ints().map(InboxID.init(rawValue:)),
        hosts: row.ints().map(HostID.init(rawValue:)))
}
