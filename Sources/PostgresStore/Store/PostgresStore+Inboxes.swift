/// Inbox URLs and their ids.

package import DeliveryCore

/// An inbox as expansion knows it.
package struct InboxAddress: Hashable, Sendable {
    /// Longest URL that is sent to, in bytes: an index entry holds 2,704. A longer one is stored
    /// cut and without a host, so that the failure can be recorded and nothing is ever sent.
    package static let urlLimit = 2_048
    /// Longest authority: a name of 253 bytes (RFC 1035, 2.3.4), a colon, a port.
    package static let hostLimit = 259

    package var url: String
    /// nil: an address that nothing can be sent to.
    package var host: String?
    package var isShared: Bool

    package init(url: String, host: String?, isShared: Bool) {
        self.url = url
        self.host = host
        self.isShared = isShared
    }

    /// As it can be stored: within the limits, without NUL.
    fileprivate var storable: InboxAddress {
        let sanitised = PostgresText.prefix(PostgresText.sanitised(url), bytes: Self.urlLimit)
        let usable = sanitised == url && (host?.utf8.count ?? 0) <= Self.hostLimit
        return InboxAddress(url: sanitised, host: usable ? host : nil, isShared: isShared)
    }
}

package struct InboxRow: Equatable, Sendable {
    package var id: InboxID
    package var url: String
    package var host: HostID?
    package var hostName: String?
    package var partition: PartitionNumber?
    package var isShared: Bool
    /// It answered 404 or 410 too often, within the last 30 days.
    package var isGone: Bool
    package var hasStrikes: Bool
    /// Its host has been down for a week, and is not to be tried yet.
    package var isHostDead: Bool
    /// What is on record of its host.
    package var hostCondition: HostCondition
}

extension PostgresStore {
    /// URLs in one statement: bounds the time that a lock is held and an answer's size.
    static let resolveLimit = 5_000

    /// The rows of these inboxes, in their order; missing ones are made.
    ///
    /// Selected first and inserted sorted: `on conflict` burns ids, and unsorted it deadlocks.
    package func resolveInboxes(
        _ addresses: [InboxAddress],
        completion: @escaping (Result<[InboxRow], StoreFailure>) -> Void
    ) {
        resolve(addresses.map(\.storable)[...], found: [], completion: completion)
    }

    /// The rows of these ids; those that do not exist are absent.
    package func loadInboxes(
        _ ids: [InboxID], completion: @escaping (Result<[InboxRow], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            frequent: selectInboxesByID, [.ints(ids.map(\.rawValue))])
        reading.transact([.byIndex, statement]) { completion($0.map { $0[1].map(inboxRow) }) }
    }

    private func resolve(
        _ addresses: ArraySlice<InboxAddress>, found: [InboxRow],
        completion: @escaping (Result<[InboxRow], StoreFailure>) -> Void
    ) {
        let batch = Array(addresses.prefix(Self.resolveLimit))
        selectInboxRows(batch.map(\.url)) { [weak self] result in
            guard let self else { return completion(.failure(.away("closed"))) }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let rows):
                let missing = batch.filter { rows[Spelling($0.url)] == nil }
                // Unusable or personal when they were first seen, and no longer.
                let improved = batch.filter { address in
                    guard let row = rows[Spelling(address.url)] else { return false }
                    return row.host == nil && address.host != nil
                        || !row.isShared && address.isShared
                }
                store(missing: missing, improved: improved) { [weak self] result in
                    guard let self else { return completion(.failure(.away("closed"))) }
                    switch result {
                    case .failure(let failure): completion(.failure(failure))
                    case .success(let made):
                        let all = rows.merging(made) { $1 }
                        let found = found + batch.compactMap { all[Spelling($0.url)] }
                        let rest = addresses.dropFirst(Self.resolveLimit)
                        if rest.isEmpty { return completion(.success(found)) }
                        resolve(rest, found: found, completion: completion)
                    }
                }
            }
        }
    }

    private func selectInboxRows(
        _ urls: [String], completion: @escaping (Result<[Spelling: InboxRow], StoreFailure>) -> Void
    ) {
        let statement = Statement(frequent: selectInboxesByURL, [.texts(urls)])
        expanding.transact([.byIndex, statement]) { completion($0.map { byURL($0[1]) }) }
    }

    private func store(
        missing: [InboxAddress], improved: [InboxAddress],
        completion: @escaping (Result<[Spelling: InboxRow], StoreFailure>) -> Void
    ) {
        if missing.isEmpty && improved.isEmpty { return completion(.success([:])) }
        var statements = [
            .byIndex,
            Statement(frequent: insertHosts, [.texts((missing + improved).map(\.host))]),
        ]
        if !missing.isEmpty {
            statements.append(Statement(frequent: insertInboxes, columns(missing)))
        }
        if !improved.isEmpty { statements.append(Statement(improveInboxes, columns(improved))) }
        statements.append(
            Statement(
                frequent: selectInboxesByURL, [.texts((missing + improved).map(\.url))]))
        expanding.transact(statements) { result in
            completion(result.map { byURL($0[statements.count - 1]) })
        }
    }
}

private func columns(_ addresses: [InboxAddress]) -> [Parameter] {
    [
        .texts(addresses.map(\.url)), .texts(addresses.map(\.host)),
        .booleans(addresses.map(\.isShared)),
    ]
}

private let insertHosts = """
    insert into trunkline.host (name, partition)
    select asked.name, trunkline.partition_of(asked.name)
    from (select distinct unnest($1::text[]) collate "C" as name) asked
    where asked.name is not null
        and not exists (select from trunkline.host h where h.name = asked.name)
    order by asked.name
    on conflict do nothing
    """

private let insertInboxes = """
    insert into trunkline.inbox (url, host, shared)
    select asked.url collate "C", max(h.id), bool_or(asked.shared)
    from unnest($1::text[], $2::text[], $3::bool[]) as asked (url, host, shared)
    left join trunkline.host h on h.name = asked.host
    group by 1 order by 1
    on conflict do nothing
    """

private let improveInboxes = """
    update trunkline.inbox i
    set host = coalesce(i.host, wanted.host), shared = i.shared or wanted.shared
    from (
        select locked.id, max(h.id) as host, bool_or(asked.shared) as shared
        from unnest($1::text[], $2::text[], $3::bool[]) as asked (url, host, shared)
        join (
            select id, url from trunkline.inbox where url = any ($1) order by id for update
        ) locked on locked.url = asked.url
        left join trunkline.host h on h.name = asked.host
        group by locked.id
    ) wanted
    where i.id = wanted.id
    """

private let selectInboxes = """
    select i.id, i.url, i.host, h.name, h.partition, i.shared,
        coalesce(i.gone_since > now() - interval '30 days', false), i.strikes > 0,
        coalesce(h.state = 'dead' and h.probe_due > now(), false),
        h.suspended_until, h.failing_since, h.probe_due, h.last_error, h.last_success_at
    from trunkline.inbox i left join trunkline.host h on h.id = i.host
    """

private let selectInboxesByID = selectInboxes + " where i.id = any ($1)"
private let selectInboxesByURL = selectInboxes + " where i.url = any ($1)"

private func inboxRow(_ row: inout RowReader) -> InboxRow {
    InboxRow(
        id: InboxID(rawValue: row.int()), url: row.text(),
        host: row.optionalInt().map(HostID.init(rawValue:)), hostName: row.optionalText(),
        partition: row.optionalInt().map { PartitionNumber(rawValue: Int($0)) },
        isShared: row.boolean(), isGone: row.boolean(), hasStrikes: row.boolean(),
        isHostDead: row.boolean(),
        hostCondition: HostCondition(
            suspendedUntil: row.optionalTime(), failingSince: row.optionalTime(),
            probeDue: row.optionalTime(), cause: row.optionalText(),
            lastSuccess: row.optionalTime()))
}

private func byURL(_ table: ResultTable) -> [Spelling: InboxRow] {
    Dictionary(table.map { row in inboxRow(&row) }.map { (Spelling($0.url), $0) }) { first, _ in
        first
    }
}
