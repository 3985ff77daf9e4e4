/// Settlement: the commit that permits Redis to forget.

internal import DeliveryCore

extension PostgresStore {
    /// Writes the flush in one transaction, committed durably, unless one of its fences is lost.
    ///
    /// A row that PostgreSQL rejects is found by halving (each half is fenced again) and
    /// quarantined; then the parts are transactions of their own.
    package func flush(
        _ flush: StoreFlush, completion: @escaping (Result<FlushResult, StoreFailure>) -> Void
    ) {
        Settlement(store: self, flush: flush.merged, completion: completion).step()
    }
}

/// One call of `flush` on its way; alive as long as an answer is owed to it.
private final class Settlement {
    private let store: PostgresStore
    private let flush: StoreFlush
    private let completion: (Result<FlushResult, StoreFailure>) -> Void
    private var bisection: Bisection
    private var result = FlushResult()
    private var hasEnsuredPartitions = false

    init(
        store: PostgresStore, flush: StoreFlush,
        completion: @escaping (Result<FlushResult, StoreFailure>) -> Void
    ) {
        self.store = store
        self.flush = flush
        self.completion = completion
        // A flush without rows still asks whether its fences stand.
        bisection = Bisection(count: max(flush.rowCount, 1))
    }

    func step() {
        guard let range = bisection.next else { return completion(.success(result)) }
        let part = flush.part(range)
        store.flushing.transact(part.statements) { [self] answer in
            switch answer {
            case .success:
                bisection.accepted()
                step()
            case .failure(.rejected(let sqlState, let message)):
                rejected(part, sqlState, message)
            case .failure(let failure):
                completion(.failure(failure))
            }
        }
    }

    private func rejected(_ part: StoreFlush, _ sqlState: String, _ message: String) {
        // 23514 may also mean that the day has no partition: no fault of any row.
        if sqlState == "23514" && !hasEnsuredPartitions {
            hasEnsuredPartitions = true
            store.ensurePartitions { [self] answer in
                switch answer {
                case .success: step()
                case .failure(let failure): completion(.failure(failure))
                }
            }
            return
        }
        if bisection.rejected() != nil {
            result.quarantined.append("\(part.rowDescription): \(message) (SQLSTATE \(sqlState))")
        }
        step()
    }
}

extension StoreFlush {
    fileprivate var statements: [Statement] {
        var statements = [Statement.commitDurably]
        if !fences.isEmpty {
            statements.append(
                Statement(
                    frequent: "select trunkline.fence($1, $2)",
                    [
                        .ints(fences.map { Int32($0.partition.rawValue) }),
                        .bigints(fences.map(\.epoch.rawValue)),
                    ]))
        }
        if !outcomes.isEmpty { statements.append(insertOutcomes) }
        if !failures.isEmpty { statements.append(insertFailures) }
        if !hosts.isEmpty { statements += [.byIndex, updateHosts] }
        if !revivedInboxes.isEmpty { statements.append(reviveInboxes) }
        if !attempts.isEmpty { statements.append(insertAttempts) }
        return statements
    }

    private var insertOutcomes: Statement {
        // Arrays of arrays must be rectangular: one flat array and its slices.
        var inboxes: [Int32] = []
        var starts: [Int32] = []
        var ends: [Int32] = []
        for outcome in outcomes {
            starts.append(Int32(inboxes.count + 1))
            inboxes.append(contentsOf: outcome.inboxes.map(\.rawValue))
            ends.append(Int32(inboxes.count))
        }
        return Statement(
            frequent: """
                insert into trunkline.outcome (activity, state, inbox_ids, epoch, worker, sequence)
                select ended.activity, ended.state, ($6::int[])[ended.first:ended.last], ended.epoch,
                    $7, $8
                from unnest($1::bigint[], $2::text[], $3::bigint[], $4::int[], $5::int[])
                    as ended (activity, state, epoch, first, last)
                on conflict do nothing
                """,
            [
                .bigints(outcomes.map(\.activity.rawValue)),
                .texts(outcomes.map(\.state.rawValue)),
                .bigints(outcomes.map(\.epoch.rawValue)), .ints(starts), .ints(ends),
                .ints(inboxes), .text(worker.rawValue), .bigint(sequence),
            ])
    }

    private var insertFailures: Statement {
        Statement(
            """
            with dead as (
                insert into trunkline.failed as f (activity, inbox, reason, status, detail)
                select * from unnest($1::bigint[], $2::int[], $3::text[], $4::int2[], $5::text[])
                on conflict (activity, inbox) do update
                set at = now(), reason = excluded.reason, status = excluded.status,
                    detail = excluded.detail, replayed_at = null
                where f.replayed_at is not null
                returning inbox, reason
            ), struck as (
                -- Only rows that are new count, so a repeated flush strikes nobody twice.
                select inbox, count(*) as strikes from dead where reason = 'inbox-gone'
                group by inbox
            )
            update trunkline.inbox i
            set strikes = least(i.strikes + struck.strikes, 32767),
                struck_since = coalesce(i.struck_since, now()),
                gone_since = case
                    when i.strikes + struck.strikes < 3 then i.gone_since
                    -- A shared inbox stands for many: it must have been gone for a day.
                    when i.shared and coalesce(i.struck_since, now()) > now() - interval '1 day'
                    then i.gone_since
                    else coalesce(i.gone_since, now())
                end
            from struck where i.id = struck.inbox
            """,
            [
                .bigints(failures.map(\.activity.rawValue)),
                .ints(failures.map(\.inbox.rawValue)), .texts(failures.map(\.reason)),
                .smallints(failures.map { $0.status.map(Int16.init(clamping:)) }),
                .texts(failures.map(\.detail)),
            ])
    }

    private var updateHosts: Statement {
        Statement(
            frequent: """
                update trunkline.host h
                set state = now_is.state, concurrency_window = now_is.concurrency_window,
                    failing_since = now_is.failing_since,
                    suspended_until = now_is.suspended_until, last_error = now_is.last_error,
                    updated_at = now(), probe_due = now_is.probe_due,
                    last_success_at = coalesce(now_is.last_success_at, h.last_success_at)
                from unnest($1::int[], $2::text[], $3::real[], $4::timestamptz[],
                        $5::timestamptz[], $6::text[], $7::timestamptz[], $8::timestamptz[])
                    as now_is (id, state, concurrency_window, failing_since, suspended_until,
                        last_error, last_success_at, probe_due)
                where h.id = now_is.id
                """,
            [
                .ints(hosts.map(\.host.rawValue)), .texts(hosts.map(\.state)),
                .reals(hosts.map { $0.concurrencyWindow.map(Float.init) }),
                .timestamps(hosts.map(\.condition.failingSince)),
                .timestamps(hosts.map(\.condition.suspendedUntil)),
                .texts(hosts.map(\.condition.cause)),
                .timestamps(hosts.map(\.condition.lastSuccess)),
                .timestamps(hosts.map(\.condition.probeDue)),
            ])
    }

    private var reviveInboxes: Statement {
        Statement(
            """
            update trunkline.inbox set strikes = 0, struck_since = null, gone_since = null
            where id = any ($1) and strikes > 0
            """, [.ints(revivedInboxes.map(\.rawValue))])
    }

    private var insertAttempts: Statement {
        Statement(
            frequent: """
                insert into trunkline.attempt
                    (activity, inbox, at, number, class, status, duration_ms, detail, excerpt)
                select * from unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::int2[],
                    $5::text[], $6::int2[], $7::int[], $8::text[], $9::bytea[])
                on conflict do nothing
                """,
            [
                .bigints(attempts.map(\.activity.rawValue)),
                .ints(attempts.map(\.inbox.rawValue)), .timestamps(attempts.map(\.at)),
                .smallints(attempts.map { Int16(clamping: $0.number) }),
                .texts(attempts.map(\.reason)),
                .smallints(attempts.map { $0.status.map(Int16.init(clamping:)) }),
                .ints(attempts.map { Int32(clamping: $0.duration.wholeMilliseconds) }),
                .texts(attempts.map(\.detail)),
                .byteArrays(attempts.map { $0.excerpt.isEmpty ? nil : $0.excerpt }),
            ])
    }
}
