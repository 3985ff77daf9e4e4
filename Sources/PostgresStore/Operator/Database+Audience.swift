/// Whether audiences could be read, before anybody needs one.

extension Database {
    /// - Throws: in PostgreSQL's words, what is wrong with the relation: its name, its columns, our
    ///   rights.
    package func checkAudience(relation: String) throws(StoreFailure) {
        let quoted = try quotedRelation(relation)
        try query(
            "select inbox::text, shared_inbox::text from \(quoted) where audience = '' limit 0")
    }
}
