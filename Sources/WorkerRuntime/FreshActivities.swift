internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore

/// Activities that this worker has stored just now, so that the owner of their partitions, where that
/// is this worker, too, need not read them back.
///
/// Each is given once: the shelf has it from then on. What is not asked for within seconds (another
/// worker's partitions, a long backlog) is forgotten. What may be written down of an activity
/// meanwhile is a Delete of its object: of this worker's own Deletes no revision is kept, and another's
/// that is for the same inboxes stands in the same partition's log, where the machine itself sees to
/// it. All are forgotten with each partition that is taken over, since its former owner may have been
/// told of more, and when a connection to PostgreSQL is lost, since an id may mean another activity
/// after it has failed over. A pooler that hides such a failover hides it from here as well.
struct FreshActivities {
    /// Two generations, so that nothing is dated on its own: what is older than the younger one goes
    /// with the older one.
    private struct Generation {
        var rows: [ActivityID: ActivityRow] = [:]
        /// Creates and Updates by what they are about.
        var revisions: [OrderKey: [ActivityID]] = [:]
        var deletions: Set<OrderKey> = []
        var bytes = 0
        var began: Instant
    }

    static let lifetime: Duration = .seconds(10)
    /// Bytes that are remembered in a generation, about, those taken since included; the older one goes
    /// when the younger one has so many. An idle worker keeps what it has until it is used again.
    static let byteLimit = 8 << 20
    /// What an activity takes beside its body, about.
    private static let overhead = 1_024

    private var newer: Generation
    private var older: Generation

    init(now: Instant) {
        newer = Generation(began: now)
        older = newer
    }

    var count: Int { newer.rows.count + older.rows.count }

    mutating func remember(_ row: ActivityRow, at now: Instant) {
        age(at: now)
        guard let key = try? KeyID(row.keyID) else { return }
        let order = OrderKey(of: row.orderingKey, by: key)
        let kind = ActivityKind(row.type)
        if kind == .deletion {
            newer.deletions.insert(order)
            for id in newer.revisions.removeValue(forKey: order) ?? [] { newer.rows[id] = nil }
            for id in older.revisions.removeValue(forKey: order) ?? [] { older.rows[id] = nil }
        }
        // In one transaction it does not see a Delete that comes before it.
        if kind == .revision, newer.deletions.contains(order) || older.deletions.contains(order) {
            return
        }
        let size = row.body.count + Self.overhead
        guard size <= Self.byteLimit else { return }
        if newer.bytes + size > Self.byteLimit { turn(at: now) }
        newer.rows[row.id] = row
        newer.bytes += size
        if kind == .revision {
            newer.revisions[order, default: []].append(row.id)
        }
    }

    /// - Returns: those of the activities that are known; they are known no more.
    mutating func take(_ ids: [ActivityID], at now: Instant) -> [ActivityRow] {
        age(at: now)
        return ids.compactMap {
            newer.rows.removeValue(forKey: $0) ?? older.rows.removeValue(forKey: $0)
        }
    }

    mutating func forgetAll(at now: Instant) { self = FreshActivities(now: now) }

    /// Called before each use: nothing outlives its time because nothing comes.
    private mutating func age(at now: Instant) {
        if now - newer.began >= Self.lifetime {
            forgetAll(at: now)
        } else if now - newer.began >= Self.lifetime / 2 {
            turn(at: now)
        }
    }

    private mutating func turn(at now: Instant) {
        older = newer
        newer = Generation(began: now)
    }
}
