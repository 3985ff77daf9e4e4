internal import PostgresStore

/// How a host stands: a row of `trunkline.host`. Times are ISO 8601, UTC.
struct HostSummary {
    var name: String
    /// closed (it takes deliveries), open (one probe at a time), dead.
    var state: String
    var failingSince: String?
    var suspendedUntil: String?
    /// When the next probe may go; nil while it takes deliveries.
    var probeDue: String?
    var lastError: String?
    var lastSuccessAt: String?
    var updatedAt: String

    var json: JSON {
        .object([
            ("host", .string(name)), ("state", .string(state)),
            ("failing_since", .optional(failingSince)),
            ("suspended_until", .optional(suspendedUntil)),
            ("next_probe_at", .optional(probeDue)), ("last_error", .optional(lastError)),
            ("last_success_at", .optional(lastSuccessAt)), ("updated_at", .string(updatedAt)),
        ])
    }
}

extension Database {
    /// Those that changed last come first.
    func hostSummaries(state: String?, limit: Int) throws(StoreFailure) -> [HostSummary] {
        try summaries(
            "where $1::text is null or h.state = $1 order by h.updated_at desc, h.name limit $2::int",
            [state, String(limit)])
    }

    /// The hosts that deliveries of this activity still wait for.
    func waitedFor(by activityID: String) throws(StoreFailure) -> [HostSummary] {
        try summaries(
            """
            where h.name in (
                select d.host from trunkline.delivery d
                where d.activity = $1 and d.state = 'waiting')
            """, [activityID])
    }

    private func summaries(
        _ conditions: String, _ parameters: [String?]
    ) throws(StoreFailure) -> [HostSummary] {
        try query(
            """
            select h.name, h.state, \(utc("h.failing_since")),
                case when h.suspended_until > now() then \(utc("h.suspended_until")) end,
                h.last_error, \(utc("h.last_success_at")), \(utc("h.updated_at")),
                case when h.state <> 'closed' then \(utc("h.probe_due")) end
            from trunkline.host h \(conditions)
            """, parameters
        ).map { row in
            HostSummary(
                name: row[0] ?? "", state: row[1] ?? "", failingSince: row[2],
                suspendedUntil: row[3], probeDue: row[7], lastError: row[4], lastSuccessAt: row[5],
                updatedAt: row[6] ?? "")
        }
    }
}
