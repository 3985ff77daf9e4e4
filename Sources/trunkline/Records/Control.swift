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
    var perSecond: String?

    func applies(host: String?, lane: String?, keyID: String?) -> Bool {
        func fits(_ rule: String?, _ value: String?) -> Bool { rule == nil || rule == value }
        return fits(self.host, host) && fits(self.lane, lane) && fits(self.keyID, keyID)
    }

    var sentence: String {
        let what = [
            host, lane.map { "lane \($0)" }, keyID.map { "key \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
        let end = until.map { " until \($0)" } ?? ""
        let rate = perSecond.map { " to \($0) requests a second" } ?? ""
        let verb = [
            "pause": "paused", "block": "blocked", "limit": "limited\(rate)",
        ][kind, default: kind]
        return "\(what.isEmpty ? "everything" : what) is \(verb) by \(actor)\(end)"
            + (reason.isEmpty ? "" : ": \(reason)")
    }

    var json: JSON {
        .object([
            ("kind", .string(kind)), ("host", .optional(host)), ("lane", .optional(lane)),
            ("key_id", .optional(keyID)), ("reason", .string(reason)), ("actor", .string(actor)),
            ("until", .optional(until)),
            ("per_second", perSecond.flatMap { Double($0) }.map { .number($0) } ?? .null),
        ])
    }
}

extension Control {
    static let columns =
        "kind, host, lane, key_id, reason, actor, \(utc("until")), per_second::text"

    init(row: [String?]) {
        self.init(
            kind: row[0] ?? "", host: row[1], lane: row[2], keyID: row[3],
            reason: row[4] ?? "", actor: row[5] ?? "", until: row[6], perSecond: row[7])
    }
}

extension Database {
    func controlsInForce() throws(StoreFailure) -> [Control] {
        try query(
            """
            select \(Control.columns) from trunkline.control
            where until is null or until > now() order by id
            """
        ).map(Control.init)
    }

    /// Takes the place of the same kind of control on the same host.
    ///
    /// - Parameters:
    ///   - host: nil: all of them.
    ///   - until: seconds since 1970; nil: until it is lifted.
    func impose(
        _ kind: String, on host: String?, perSecond: Double?, reason: String, until: String?
    ) throws(StoreFailure) -> Control {
        try query(
            """
            delete from trunkline.control where kind = $1 and host is not distinct from $2
            and lane is null and key_id is null
            """, [kind, host])
        let rows = try query(
            """
            insert into trunkline.control (kind, host, per_second, reason, actor, until)
            values ($1, $2, $3::real, $4, $5, to_timestamp($6::double precision))
            returning \(Control.columns)
            """, [kind, host, perSecond.map { "\($0)" }, reason, invokingUser(), until])
        try audit(kind, subject: title(of: [host]), detail: reason)
        return Control(row: rows[0])
    }

    /// Ends what is in force for the host; answers what that was.
    func lift(from host: String?) throws(StoreFailure) -> [Control] {
        let ended = try query(
            """
            with ended as (
                delete from trunkline.control where host is not distinct from $1
                and lane is null and key_id is null returning *)
            select \(Control.columns) from ended
            where until is null or until > now() order by id
            """, [host]
        ).map(Control.init)
        if !ended.isEmpty { try audit("resume", subject: title(of: [host])) }
        return ended
    }
}
