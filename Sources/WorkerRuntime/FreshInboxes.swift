internal import DeliveryCore
internal import PostgresStore

/// Inboxes that PostgreSQL has told of just now, so that the next activity to the same followers, and
/// the preparation of what was routed to them, need not ask again.
///
/// Only of inboxes and hosts of which nothing bad is on record: what another worker, or an operator,
/// writes down meanwhile can only make them worse, and then one more delivery to them is tried (to
/// a shared inbox that has just been found gone, too, instead of the personal ones behind it).
/// Whoever makes a row of this worker's own partitions worse says so (`doubt`). A row stands for
/// half a minute at most; all are forgotten when a connection is lost, since ids may mean other
/// inboxes once PostgreSQL has failed over to a server that lagged. A pooler that hides such a
/// failover hides it from here as well.
struct FreshInboxes {
    /// Two generations, so that nothing is dated on its own: what is older than the younger one goes
    /// with the older one.
    private struct Generation {
        var rows: [InboxID: InboxRow] = [:]
        var ids: [Spelling: InboxID] = [:]
        var began: Instant
    }

    static let lifetime: Duration = .seconds(30)
    /// Rows of a generation: at 400 bytes a row both take 7 MB.
    static let limit = 8_192
    /// Bytes of a URL that is kept: most have less than 80.
    static let longestURL = 512

    private var newer: Generation
    private var older: Generation
    /// When something bad was written down of them.
    private var doubtedInboxes: [InboxID: Instant] = [:]
    private var doubtedHosts: [HostID: Instant] = [:]
    /// Of the last use.
    private var now: Instant

    init(now: Instant) {
        newer = Generation(began: now)
        older = newer
        self.now = now
    }

    var count: Int { newer.rows.count + older.rows.count }

    // MARK: Looking up

    func row(_ id: InboxID) -> InboxRow? {
        guard let row = newer.rows[id] ?? older.rows[id], !isDoubted(row) else { return nil }
        return row
    }

    /// - Parameter address: as expansion asks for it; one that would change its row is not known.
    func row(_ address: InboxAddress) -> InboxRow? {
        let url = Spelling(address.url)
        guard address.host != nil, let id = newer.ids[url] ?? older.ids[url], let row = row(id),
            row.isShared || !address.isShared
        else { return nil }
        return row
    }

    private func isDoubted(_ row: InboxRow) -> Bool {
        guard let host = row.host else { return true }
        return isRecent(doubtedInboxes[row.id]) || isRecent(doubtedHosts[host])
    }

    private func isRecent(_ time: Instant?) -> Bool {
        time.map { now - $0 < Self.lifetime } ?? false
    }

    // MARK: Learning

    mutating func learn(_ rows: some Sequence<InboxRow>, at now: Instant) {
        age(at: now)
        for row in rows where row.isHealthy && row.url.utf8.count <= Self.longestURL {
            if newer.rows.count >= Self.limit { turn(at: now) }
            newer.rows[row.id] = row
            newer.ids[Spelling(row.url)] = row.id
        }
    }

    /// Something is written down of them: an answer that is on its way may not know it yet, so they
    /// are not believed for as long as a row stands.
    mutating func doubt(
        _ inboxes: some Sequence<InboxID>, hosts: some Sequence<HostID>, at now: Instant
    ) {
        age(at: now)
        for inbox in inboxes { doubtedInboxes[inbox] = now }
        for host in hosts { doubtedHosts[host] = now }
    }

    mutating func forgetAll(at now: Instant) { self = FreshInboxes(now: now) }

    /// Called at least before each use: nothing outlives its time because nothing is learnt.
    mutating func age(at now: Instant) {
        self.now = now
        if now - newer.began >= Self.lifetime {
            forgetAll(at: now)
        } else if now - newer.began >= Self.lifetime / 2 {
            turn(at: now)
        }
    }

    private mutating func turn(at now: Instant) {
        older = newer
        newer = Generation(began: now)
        doubtedInboxes = doubtedInboxes.filter { now - $0.value < Self.lifetime }
        doubtedHosts = doubtedHosts.filter { now - $0.value < Self.lifetime }
    }
}

extension InboxRow {
    fileprivate var isHealthy: Bool {
        host != nil && partition != nil && !isGone && !hasStrikes && !isHostDead
            && hostCondition.suspendedUntil == nil && hostCondition.failingSince == nil
            && hostCondition.probeDue == nil && hostCondition.cause == nil
    }
}
