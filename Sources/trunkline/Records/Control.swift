internal import DeliveryCore
internal import PostgresStore

extension ControlSubject {
    /// For people.
    var title: String {
        switch self {
        case .host(let name): name ?? "all hosts"
        case .lane(let lane): "lane \(lane.name)"
        case .sender(let keyID): "sender \(keyID)"
        }
    }

    /// The columns host, lane and key_id.
    fileprivate var columns: [String?] {
        switch self {
        case .host(let name): [name, nil, nil]
        case .lane(let lane): [nil, lane.name, nil]
        case .sender(let keyID): [nil, nil, keyID]
        }
    }
}

/// Something that an operator has paused, blocked or limited, and that is in force now.
struct Control {
    var kind: String
    /// nil in the next three: all of them.
    var host: String?
    var lane: String?
    var keyID: String?
    var reason: String
    var actor: String
    var since: String
    var until: String?
    var perSecond: String?

    func applies(host: String?, lane: String?, keyID: String?) -> Bool {
        func fits(_ rule: String?, _ value: String?) -> Bool { rule == nil || rule == value }
        return fits(self.host, host) && fits(self.lane, lane) && fits(self.keyID, keyID)
    }

    /// Of a lane or a sender: nothing of it is read, routed or sent.
    var isOfLaneOrSender: Bool { lane != nil || keyID != nil }

    var sentence: String {
        let what = [
            host, lane.map { "lane \($0)" }, keyID.map { "sender \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
        let start = isOfLaneOrSender ? " since \(since)" : ""
        let end = until.map { " until \($0)" } ?? ""
        let rate = perSecond.map { " to \($0) requests a second" } ?? ""
        let verb = [
            "pause": "paused", "block": "blocked", "limit": "limited\(rate)",
        ][kind, default: kind]
        return "\(what.isEmpty ? "everything" : what) is \(verb)\(start) by \(actor)\(end)"
            + (reason.isEmpty ? "" : ": \(reason)")
    }

    /// What ends it, as one types it.
    var resumption: String {
        let words =
            lane.map { "--lane \($0)" } ?? keyID.map { "--sender \($0)" } ?? host ?? "--all"
        return "`trunkline resume \(words)`"
    }

    var json: JSON {
        .object([
            ("kind", .string(kind)), ("host", .optional(host)), ("lane", .optional(lane)),
            ("key_id", .optional(keyID)), ("reason", .string(reason)), ("actor", .string(actor)),
            ("since", .string(since)), ("until", .optional(until)),
            ("per_second", perSecond.flatMap { Double($0) }.map { .number($0) } ?? .null),
        ])
    }
}

extension Control {
    static let columns =
        """
        kind, host, lane, key_id, reason, actor, \(utc("created_at")), \(utc("until")), \
        per_second::text
        """

    init(row: [String?]) {
        self.init(
            kind: row[0] ?? "", host: row[1], lane: row[2], keyID: row[3],
            reason: row[4] ?? "", actor: row[5] ?? "", since: row[6] ?? "", until: row[7],
            perSecond: row[8])
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

    /// Takes the place of the same kind of control of the same subject.
    ///
    /// - Parameter until: seconds since 1970; nil: until it is lifted.
    func impose(
        _ kind: String, on subject: ControlSubject, perSecond: Double?, reason: String,
        until: String?
    ) throws(StoreFailure) -> Control {
        try query(
            "delete from trunkline.control where kind = $4 and \(Self.isOfSubject)",
            subject.columns + [kind])
        let rows = try query(
            """
            insert into trunkline.control
                (host, lane, key_id, kind, per_second, reason, actor, until)
            values ($1, $2, $3, $4, $5::real, $6, $7, to_timestamp($8::double precision))
            returning \(Control.columns)
            """,
            subject.columns + [kind, perSecond.map { "\($0)" }, reason, invokingUser(), until])
        try audit(kind, subject: subject.title, detail: reason)
        return Control(row: rows[0])
    }

    /// Ends what is in force for the subject; answers what that was.
    func lift(from subject: ControlSubject) throws(StoreFailure) -> [Control] {
        let ended = try query(
            """
            with ended as (
                delete from trunkline.control where \(Self.isOfSubject) returning *)
            select \(Control.columns) from ended
            where until is null or until > now() order by id
            """, subject.columns
        ).map(Control.init)
        if !ended.isEmpty { try audit("resume", subject: subject.title) }
        return ended
    }

    /// Of the first three parameters.
    private static let isOfSubject = """
        host is not distinct from $1 and lane is not distinct from $2
        and key_id is not distinct from $3
        """
}
