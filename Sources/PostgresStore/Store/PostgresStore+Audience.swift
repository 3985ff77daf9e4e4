/// Audiences by name: the followers of an actor, read in pages.

package struct AudienceMember: Equatable, Sendable {
    package var inbox: String
    package var sharedInbox: String?
}

extension PostgresStore {
    /// One page of an audience, ascending by inbox. A row without one stands for nobody.
    ///
    /// - Parameters:
    ///   - relation: `schema.table` or `schema.view` with the columns audience, inbox and
    ///     shared_inbox (text); an index on (audience, inbox) makes a page cheap.
    ///   - after: the last inbox of the page before, nil for the first page.
    package func audiencePage(
        relation: String = "trunkline.follower", name: String, after: String?, limit: Int,
        completion: @escaping (Result<[AudienceMember], StoreFailure>) -> Void
    ) {
        let quoted: String
        do {
            quoted = try quotedRelation(relation)
        } catch {
            return gathering.transact([]) { _ in completion(.failure(error)) }
        }
        // Two texts of the statement, because `$3 is null or ...` would keep it off the index.
        let statement = Statement(
            frequent: """
                select inbox, shared_inbox from \(quoted)
                where audience = $1 and \(after == nil ? "inbox is not null" : "inbox > $3")
                order by inbox limit $2
                """,
            [.text(name), .bigint(Int64(limit))] + (after.map { [.text($0)] } ?? []))
        gathering.transact([.unhurried, .byIndex, statement]) { result in
            completion(
                result.map {
                    $0[2].map { AudienceMember(inbox: $0.text(), sharedInbox: $0.optionalText()) }
                })
        }
    }
}

/// `"schema"."table"`: the one text of an operator that stands in a statement.
///
/// - Throws: unless both are plain names.
func quotedRelation(_ relation: String) throws(StoreFailure) -> String {
    let parts = relation.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy(isPlainName) else {
        throw .refused(
            sqlState: "42602",
            message: "'\(relation)' is not the name of a relation: schema.table")
    }
    return parts.map { "\"\($0)\"" }.joined(separator: ".")
}

private func isPlainName(_ name: Substring) -> Bool {
    guard let first = name.utf8.first, !(48...57).contains(first), name.utf8.count <= 63 else {
        return false
    }
    return name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
