/// Signing keys, and the activities that wait for one.

package import DeliveryCore

package struct StoredKey: Equatable, Sendable {
    package var keyID: String
    /// As it was given: `rsa`, `ed25519`.
    package var algorithm: String
    package var pem: String

    package init(keyID: String, algorithm: String, pem: String) {
        self.keyID = keyID
        self.algorithm = algorithm
        self.pem = pem
    }
}

package struct ParkedActivity: Equatable, Sendable {
    package var id: ActivityID
    package var lane: Lane
    package var audience: [InboxID]

    package init(id: ActivityID, lane: Lane, audience: [InboxID]) {
        self.id = id
        self.lane = lane
        self.audience = audience
    }
}

/// Why an activity is parked, in words.
package enum ParkedReason {
    /// So it begins when the sender was paused. What begins like neither of these is about the key.
    package static let pausedSender = "its sender is paused"
    /// It waits for nothing, and is routed with the next look at what is parked.
    package static let released = "it was released from quarantine"
}

extension PostgresStore {
    /// Those of the keys that exist and are not retired.
    package func loadKeys(
        _ keyIDs: [String], completion: @escaping (Result<[StoredKey], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select key_id, algorithm, pem from trunkline.signing_key
            where key_id = any ($1) and retired_at is null
            """, [.texts(keyIDs)])
        reading.transact([statement]) { result in
            completion(
                result.map {
                    $0[0].map { row in
                        StoredKey(keyID: row.text(), algorithm: row.text(), pem: row.text())
                    }
                })
        }
    }

    /// Parked activities whose key is there and whose sender is not paused, the oldest first. From
    /// now on they are what a rebuild brings back: it may come between the routing and its record.
    ///
    /// Route them with the flag `again`, and only then call ``unparked(_:completion:)``. A worker
    /// that dies in between leaves them parked, so they are routed once more, and what was sent
    /// meanwhile is found in the outcomes: nothing is lost, and nothing is sent twice.
    ///
    /// - Parameter knownKeys: keys that are known from elsewhere than `signing_key`.
    package func parkedReady(
        knownKeys: [String], limit: Int,
        completion: @escaping (Result<[ParkedActivity], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            with ready as materialized (
                select a.id, a.lane::int as lane, a.audience
                from trunkline.parked p join trunkline.activity a on a.id = p.activity
                where (p.key_id = any ($1) or exists (
                    select from trunkline.signing_key k
                    where k.key_id = p.key_id and k.retired_at is null))
                    and \(Self.senderMaySend("p.key_id"))
                order by p.activity limit $2
            ), woken as (
                update trunkline.parked p set waking = true
                from ready where p.activity = ready.id
            ), given as (
                update trunkline.owing o set as_of = trunkline.newest_activity() + 1
                from ready where o.activity = ready.id
            )
            select id, lane, audience from ready order by id
            """, [.texts(knownKeys), .bigint(Int64(limit))])
        reading.transact([.commitDurably, statement]) { result in
            completion(
                result.map {
                    $0[1].map { row in
                        ParkedActivity(
                            id: ActivityID(rawValue: row.bigint()), lane: row.lane(),
                            audience: row.ints().map(InboxID.init(rawValue:)))
                    }
                })
        }
    }

    /// These have been routed. Should Redis come back as it was before that, they stand above the
    /// mark, however old they are.
    package func unparked(
        _ activities: [ActivityID], completion: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            with routed as (
                delete from trunkline.parked where activity = any ($1) returning activity)
            update trunkline.owing o set as_of = trunkline.newest_activity() + 1, since = now()
            from routed where o.activity = routed.activity
            """, [.bigints(activities.map(\.rawValue))])
        expanding.transact([statement]) { completion($0.map { _ in }) }
    }
}

extension PostgresStore {
    /// Those of paused senders wait for more than their key.
    fileprivate static func senderMaySend(_ keyID: String) -> String {
        """
        not exists (
            select from trunkline.control c
            where c.kind = 'pause' and c.key_id = \(keyID) and c.host is null and c.lane is null
                and (c.until is null or c.until > now()))
        """
    }

    /// Key ids that parked activities wait for, ascending, without those of paused senders: a page.
    ///
    /// - Parameter last: of the page before.
    package func parkedKeys(
        after last: String?, limit: Int,
        completion: @escaping (Result<[String], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            """
            select distinct p.key_id from trunkline.parked p
            where ($1::text is null or p.key_id > $1) and \(Self.senderMaySend("p.key_id"))
            order by p.key_id limit $2
            """, [.text(last), .bigint(Int64(limit))])
        reading.transact([statement]) { completion($0.map { $0[0].map { $0.text() } }) }
    }
}
