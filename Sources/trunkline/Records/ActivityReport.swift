internal import DeliveryCore
internal import PostgresStore

/// What `trunkline activity` shows: the stored activities of one JSON id, and their deliveries.
struct ActivityReport {
    let activityID: String
    /// The newest first.
    let stored: [ActivityRecord]
    /// Of two stored activities the newest counts; by inbox.
    let deliveries: [DeliveryRecord]
    /// Crashes of workers that had the newest in hand; nil: none.
    let crashes: CrashRecord?
    private let reasons: WaitingReasons

    /// The states that a delivery may have, in the order in which they are shown.
    static let states = ["waiting", "delivered", "failed", "superseded", "expired", "dropped"]

    /// nil when nothing of this id is stored.
    init?(
        _ activityID: String, in database: Database, aliveWorkers: Int?
    ) throws(StoreFailure) {
        self.activityID = activityID
        stored = try database.activityRecords(activityID)
        guard let newest = stored.first else { return nil }
        deliveries = try database.deliveries(of: activityID, limit: Int(Int32.max))
        crashes = try database.crashes(of: newest.id)
        reasons = WaitingReasons(
            activity: newest, hosts: try database.waitedFor(by: activityID),
            controls: try database.controlsInForce(), aliveWorkers: aliveWorkers)
    }

    func count(_ state: String) -> Int { deliveries.count { $0.state == state } }

    /// nil unless it waits.
    func reason(_ delivery: DeliveryRecord) -> String? {
        delivery.state == "waiting" ? reasons.reason(for: delivery) : nil
    }

    /// Why deliveries wait, the most frequent reason first.
    var reasonCounts: [(reason: String, count: Int)] {
        var counts: [String: Int] = [:]
        for delivery in deliveries { reason(delivery).map { counts[$0, default: 0] += 1 } }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    var json: JSON {
        .object([
            ("activity", .string(activityID)),
            ("counts", .object(Self.states.map { ($0, .integer(count($0))) })),
            ("crashes", crashes.map { .object($0.circumstances) } ?? .null),
            ("stored", .array(stored.map(Self.describe))),
            ("deliveries", .array(deliveries.map(describe))),
        ])
    }

    private static func describe(_ record: ActivityRecord) -> JSON {
        .object([
            ("id", .integer(record.id.rawValue)), ("type", .string(record.type)),
            ("key_id", .string(record.keyID)), ("audience", .optional(record.audienceName)),
            ("lane", .string(record.lane.name)),
            ("created_at", .string(record.createdAt)),
            ("expires_at", .optional(record.expiresAt)),
            ("parked_reason", .optional(record.parkedReason)),
            ("counts", .object(states.map { ($0, .integer(record.counts[$0] ?? 0)) })),
        ])
    }

    private func describe(_ delivery: DeliveryRecord) -> JSON {
        .object([
            ("inbox", .string(delivery.inbox)), ("host", .optional(delivery.host)),
            ("state", .string(delivery.state)), ("attempts", .integer(delivery.attempts)),
            ("last_status", .optional(delivery.lastStatus)),
            ("last_error", .optional(delivery.lastError)),
            ("updated_at", .string(delivery.updatedAt)),
            ("waiting_for", .optional(reason(delivery))),
        ])
    }
}
