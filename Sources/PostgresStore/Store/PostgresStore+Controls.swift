/// What operators have decided, and what the main server has seen.

package import DeliveryCore

/// One row of `control` that is about hosts.
package struct StoredControl: Equatable, Sendable {
    /// `pause`, `block` or `limit`.
    package var kind: String
    /// nil: every host.
    package var host: String?
    /// Of a limit.
    package var perSecond: Double?
    /// When it ends by itself.
    package var until: WallTime?
}

extension PostgresStore {
    /// The controls of hosts that are in force.
    package func loadControls(
        completion: @escaping (Result<[StoredControl], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select kind, host, per_second::text, until from trunkline.control
            where lane is null and key_id is null and (until is null or until > now())
            """)
        reading.transact([statement]) { result in
            completion(
                result.map {
                    $0[0].map { row in
                        StoredControl(
                            kind: row.text(), host: row.optionalText(),
                            perSecond: row.optionalText().flatMap { Double($0) },
                            until: row.optionalTime())
                    }
                })
        }
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
