internal import DeliveryCore
internal import PostgresStore

/// Why an entry is set aside after it was parsed, or instead: what is wrong, then the mend.
extension Rejection {
    static func quarantined(_ count: CrashCount) -> Rejection {
        Rejection(
            code: Quarantine.reason,
            reason: "\(count.sentence); report this, and enqueue it again with a version in which "
                + "it is mended")
    }

    static func unusableAudience(_ unusable: [ExpandedActivity.Unusable]) -> Rejection {
        Rejection(
            code: "no-usable-recipient",
            reason: "none of the \(unusable.count) recipients can be used; the first: "
                + (unusable.first?.detail ?? ""))
    }

    static func unreadableAudience(
        _ name: String, relation: String, _ failure: StoreFailure
    ) -> Rejection {
        Rejection(
            code: "audience-unreadable",
            reason: "PostgreSQL cannot read the audience \"\(name.prefix(200))\" from \(relation): "
                + "\(failure); give it the text columns audience, inbox and shared_inbox and the "
                + "workers' role the right to select, or name another relation with "
                + "--audience-relation, then enqueue this again")
    }

    static func unresolvableInboxes(_ failure: StoreFailure) -> Rejection {
        Rejection(
            code: "audience-unreadable",
            reason: "PostgreSQL refuses inboxes of this entry in trunkline.inbox: \(failure); "
                + "mend what it names, or leave them out, then enqueue this again")
    }

    static func refusedActivity(sqlState: String, _ message: String) -> Rejection {
        Rejection(
            code: "refused-by-postgresql",
            reason: "PostgreSQL refuses this activity (SQLSTATE \(sqlState)): \(message)")
    }
}

extension StoreFailure {
    /// Asking again changes nothing until somebody has mended something.
    var isPermanent: Bool {
        switch self {
        case .rejected, .refused: true
        case .away, .fenced: false
        }
    }

    /// Our own statements on our own tables are the same for every entry: only its data can be at
    /// fault. When a statement is malformed, or forbidden, all of them wait.
    var mayBlameAnEntry: Bool { if case .rejected = self { true } else { false } }
}
