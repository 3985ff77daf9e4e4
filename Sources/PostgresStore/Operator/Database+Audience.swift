/// Whether audiences can be read, and have anybody in them, before a worker asks.

extension Database {
    /// - Throws: in PostgreSQL's words, what is wrong with the relation: its name, its columns, our
    ///   rights.
    package func checkAudience(relation: String) throws(StoreFailure) {
        let quoted = try quotedRelation(relation)
        try query(
            "select inbox::text, shared_inbox::text from \(quoted) where audience = '' limit 0")
    }

    /// Whether there is one row: without, a name that is misspelt and an account without followers
    /// look the same.
    package func hasAudience(_ name: String, relation: String) throws(StoreFailure) -> Bool {
        let quoted = try quotedRelation(relation)
        return try query(
            "select exists (select from \(quoted) where audience = $1)", [name])[0][0] == "t"
    }
}
