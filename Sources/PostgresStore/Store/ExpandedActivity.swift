/// One activity as expansion hands it over to be stored.

package import DeliveryCore

package struct ExpandedActivity: Equatable, Sendable {
    /// A recipient that gets nothing: recorded as failed at once.
    package struct Unusable: Equatable, Sendable {
        package var inbox: InboxID
        package var reason: String
        package var detail: String

        package init(inbox: InboxID, reason: String, detail: String) {
            self.inbox = inbox
            self.reason = reason
            self.detail = detail
        }
    }

    /// A second activity with the same key is not stored: it is known.
    package var idempotencyKey: String
    /// The id in its JSON.
    package var activityID: String
    package var type: String
    package var body: [UInt8]
    /// SHA-256 of the body.
    package var digest: [UInt8]
    package var keyID: String
    package var contentType: String?
    package var lane: Lane
    package var orderingKey: String
    /// In any order; duplicates do no harm.
    package var audience: [InboxID]
    package var audienceName: String?
    package var synchronization: String?
    package var expires: WallTime?
    package var unusable: [Unusable]
    /// Those of the audience whose hosts are dead: recorded as dropped at once.
    package var dropped: [InboxID]
    /// Set: it waits for its key and is not to be routed.
    package var parkedReason: String?

    package init(
        idempotencyKey: String, activityID: String, type: String, body: [UInt8], digest: [UInt8],
        keyID: String, contentType: String? = nil, lane: Lane, orderingKey: String,
        audience: [InboxID], audienceName: String? = nil, synchronization: String? = nil,
        expires: WallTime? = nil, unusable: [Unusable] = [],
        dropped: [InboxID] = [], parkedReason: String? = nil
    ) {
        self.idempotencyKey = idempotencyKey
        self.activityID = activityID
        self.type = type
        self.body = body
        self.digest = digest
        self.keyID = keyID
        self.contentType = contentType
        self.lane = lane
        self.orderingKey = orderingKey
        self.audience = audience
        self.audienceName = audienceName
        self.synchronization = synchronization
        self.expires = expires
        self.unusable = unusable
        self.dropped = dropped
        self.parkedReason = parkedReason
    }

    /// Everyone it is meant for, the unusable included: so a dead letter can be replayed.
    var everyone: [Int32] {
        Set(audience.map(\.rawValue) + unusable.map(\.inbox.rawValue)).sorted()
    }
}

package enum StoredActivity: Equatable, Sendable {
    /// As ``PostgresStore/loadActivities(_:completion:)`` would tell of it.
    case stored(ActivityRow)
    /// Stored, and parked behind others of its sender, which was paused: not to be routed yet.
    case parkedBehind(ActivityID)
    /// Its idempotency key was there. Of an activity that was dropped with its day (nothing of it
    /// was owed) the audience is empty. The audience may hold inboxes that have failed, or that
    /// have no host: what is owed is for ``PostgresStore/settledInboxes(_:completion:)`` to say.
    case known(ActivityID, Lane, audience: [InboxID], parked: Bool)
    /// PostgreSQL cannot take this one, ever; all others of the batch were stored.
    case refused(sqlState: String, message: String)
}
