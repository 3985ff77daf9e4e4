/// The signing keys, as an operator sees them.

package struct KeyRecord: Equatable, Sendable {
    package var keyID: String
    package var algorithm: String
    /// ISO 8601, UTC.
    package var createdAt: String
    package var retiredAt: String?
}

extension Database {
    /// Adds a key, or replaces it and takes it out of retirement.
    package func addKey(
        keyID: String, algorithm: String, pem: String
    ) throws(StoreFailure) {
        try query(
            """
            insert into trunkline.signing_key (key_id, algorithm, pem) values ($1, $2, $3)
            on conflict (key_id) do update
            set algorithm = excluded.algorithm, pem = excluded.pem, created_at = now(),
                retired_at = null
            """, [keyID, algorithm, pem])
    }

    /// By keyId, without the keys themselves.
    package func listKeys() throws(StoreFailure) -> [KeyRecord] {
        try query(
            """
            select key_id, algorithm, \(iso8601("created_at")), \(iso8601("retired_at"))
            from trunkline.signing_key order by key_id
            """
        ).map { row in
            KeyRecord(
                keyID: row[0] ?? "", algorithm: row[1] ?? "", createdAt: row[2] ?? "",
                retiredAt: row[3])
        }
    }

    /// Deletes a key; false when there was none.
    package func removeKey(_ keyID: String) throws(StoreFailure) -> Bool {
        try !query("delete from trunkline.signing_key where key_id = $1 returning 1", [keyID])
            .isEmpty
    }
}

/// SQL that shows a `timestamptz` in UTC whatever the session's time zone.
func iso8601(_ column: String) -> String {
    "to_char(\(column) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
}
