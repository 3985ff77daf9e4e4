internal import PostgresStore

/// Something that an operator has paused, blocked or limited, and that is in force now.
struct Control {
    var kind: String
    /// nil in the next three: all of them.
    var host: String?
    var lane: String?
    var keyID: String?
    var reason: String
    var actor: String
    var until: String?

    func applies(host: String?, lane: String?, keyID: String?) -> Bool {
        func fits(_ rule: String?, _ value: String?) -> Bool { rule == nil || rule == value }
        return fits(self.host, host) && fits(self.lane, lane) && fits(self.keyID, keyID)
    }

    var sentence: String {
        let what = [
            host, lane.map { "lane \($0)" }, keyID.map { "key \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
        let end = until.map { " until \($0)" } ?? ""
        let verb = [
            "pause": "paused", "block": "blocked", "limit": "slowed down",
        ][kind, default: kind]
        return "\(what.isEmpty ? "everything" : what) is \(verb) by \(actor)\(end)"
            + (reason.isEmpty ? "" : ": \(reason)")
    }

    var json: JSON {
        .object([
            ("kind", .string(kind)), ("host", .optional(host)), ("lane", .optional(lane)),
            ("key_id", .optional(keyID)), ("reason", .string(reason)), ("actor", .string(actor)),
            ("until", .optional(until)),
        ])
    }
}

extension Database {
    func controlsInForce() throws(StoreFailure) -> [Control] {
        try query(
            """
            select kind, host, lane, key_id, reason, actor, \(utc("until")) from trunkline.control
            where until is null or until > now() order by id
            """
        ).map { row in
            Control(
                kind: row[0] ?? "", host: row[1], lane: row[2], keyID: row[3],
                reason: row[4] ?? "", actor: row[5] ?? "", until: row[6])
        }
    }
}
