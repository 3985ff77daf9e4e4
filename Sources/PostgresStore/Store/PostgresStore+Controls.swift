/// What operators have decided, and what the main server has seen.

package import DeliveryCore

/// What a control is about.
package enum ControlSubject: Equatable, Sendable {
    /// nil: every host.
    case host(String?)
    case lane(Lane)
    /// The keyId of a sender.
    case sender(String)
}

/// One row of `control`.
package struct StoredControl: Equatable, Sendable {
    /// `pause`, `block` or `limit`.
    package var kind: String
    package var subject: ControlSubject
    /// Of a limit.
    package var perSecond: Double?
    package var since: WallTime
    /// When it ends by itself; nil: not at all.
    package var until: WallTime?
    /// Who has decided it, and why.
    package var actor: String
    package var reason: String

    init(_ row: inout RowReader) {
        kind = row.text()
        let (host, lane, keyID) = (row.optionalText(), row.optionalText(), row.optionalText())
        if let lane = lane.flatMap(Lane.init(name:)) {
            subject = .lane(lane)
        } else {
            subject = keyID.map(ControlSubject.sender) ?? .host(host)
        }
        perSecond = row.optionalText().flatMap { Double($0) }
        since = row.time()
        until = row.optionalTime()
        actor = row.text()
        reason = row.text()
    }
}

extension PostgresStore {
    /// The controls in force. Lanes and senders can be paused, each by itself, and no more.
    package func loadControls(
        completion: @escaping (Result<[StoredControl], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select kind, host, lane, key_id, per_second::text, created_at,
                nullif(until, 'infinity'), actor, reason
            from trunkline.control
            where num_nonnulls(host, lane, key_id) <= 1 and (until is null or until > now())
                and (kind = 'pause' or num_nonnulls(lane, key_id) = 0)
            order by id
            """)
        reading.transact([statement]) { completion($0.map { $0[0].map { StoredControl(&$0) } }) }
    }

    /// Something came from these hosts: the next delivery to one that is failing may try it, also
    /// where no worker remembers it.
    package func hostsSeenAlive(
        _ names: [String], completion: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            update trunkline.host set probe_due = now()
            where id in (
                select id from trunkline.host
                where name = any ($1) and state <> 'closed' and probe_due > now()
                order by id for update)
            """, [.texts(names)])
        expanding.transact([statement]) { completion($0.map { _ in }) }
    }
}
