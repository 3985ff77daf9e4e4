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

    /// Parked activities whose key has come, the longest waiting first.
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
            select a.id, a.lane::int, a.audience
            from trunkline.parked p join trunkline.activity a on a.id = p.activity
            where p.key_id = any ($1) or exists (
                select from trunkline.signing_key k
                where k.key_id = p.key_id and k.retired_at is null)
            order by p.since, p.activity limit $2
            """, [.texts(knownKeys), .bigint(Int64(limit))])
        reading.transact([statement]) { result in
            completion(
                result.map {
                    $0[0].map { row in
                        ParkedActivity(
                            id: ActivityID(rawValue: row.bigint()), lane: row.lane(),
                            audience: row.ints().map(InboxID.init(rawValue:)))
                    }
                })
        }
    }

    /// These have been routed.
    package func unparked(
        _ activities: [ActivityID], completion: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        let statement = Statement(
            "delete from trunkline.parked where activity = any ($1)",
            [.bigints(activities.map(\.rawValue))])
        expanding.transact([statement]) { completion($0.map { _ in }) }
    }
}

extension PostgresStore {
    /// The key ids that parked activities wait for, at most a thousand.
    package func parkedKeys(
        completion: @escaping (Result<[String], StoreFailure>) -> Void
    ) {
        let statement = Statement(
            "select distinct key_id from trunkline.parked order by key_id limit 1000")
        reading.transact([statement]) { completion($0.map { $0[0].map { $0.text() } }) }
    }
}
