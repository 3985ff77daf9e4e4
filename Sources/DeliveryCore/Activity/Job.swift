/// What one intake entry asks for, after parsing: one activity, a key, and whom it is for.
package struct Job: Equatable, Sendable {
    package var lane: Lane
    /// The exact bytes to send. They are hashed and signed, so they are never re-serialised.
    package var activity: [UInt8]
    /// The JSON `id` of the activity (ActivityPub 6, "a sent activity has an id").
    package var activityID: String
    /// The JSON `type`, e.g. `Create`.
    package var type: String
    /// The JSON `actor`: its host is the sender's own and gets nothing.
    package var actor: String
    /// The keyId to sign with.
    package var key: String
    package var audience: AudienceReference
    /// Two entries with one idempotency key are one activity.
    package var idempotencyKey: String
    /// Deliveries of one sender with one ordering key never overtake each other at a host.
    package var orderingKey: String
    /// Entries before it may concern the same object: it is expanded after them.
    ///
    /// Not so what begins an object's life (a Create, or whatever has a key of its own), unless the
    /// producer has named the key.
    package var mayFollow: Bool
    /// Inbox URLs that are to get nothing.
    package var exclude: [String]
    /// The collection of FEP-8fcf whose digest rides along, if any.
    package var synchronizedCollection: String?
    /// After this the activity is no longer worth sending.
    package var expires: WallTime?
    /// nil: `application/activity+json`.
    package var contentType: String?

    package init(
        lane: Lane, activity: [UInt8], activityID: String, type: String, actor: String, key: String,
        audience: AudienceReference, idempotencyKey: String, orderingKey: String,
        mayFollow: Bool = false, exclude: [String] = [], synchronizedCollection: String? = nil,
        expires: WallTime? = nil,
        contentType: String? = nil
    ) {
        self.lane = lane
        self.activity = activity
        self.activityID = activityID
        self.type = type
        self.actor = actor
        self.key = key
        self.audience = audience
        self.idempotencyKey = idempotencyKey
        self.orderingKey = orderingKey
        self.mayFollow = mayFollow
        self.exclude = exclude
        self.synchronizedCollection = synchronizedCollection
        self.expires = expires
        self.contentType = contentType
    }
}

/// Whom an activity is for: the recipients themselves, or the name under which PostgreSQL knows
/// them.
package enum AudienceReference: Equatable, Sendable {
    case recipients([Recipient])
    case named(String)
}

/// One addressee: an actor's inbox and the shared inbox of its server, as the producer wrote them.
package struct Recipient: Hashable, Sendable {
    package var inbox: String
    package var sharedInbox: String?
    /// Use the personal inbox even where a shared one exists (ActivityPub 7.1.3: a shared inbox
    /// is for public and followers' posts; a direct one would be shown to nobody else by trust).
    package var direct: Bool

    package init(inbox: String, sharedInbox: String? = nil, direct: Bool = false) {
        self.inbox = inbox
        self.sharedInbox = sharedInbox
        self.direct = direct
    }
}

/// Why an intake entry was not taken: one sentence for an operator, naming the field and the mend.
package struct Rejection: Error, Equatable, Sendable {
    /// A stable word for metrics: `not-json`, `unknown-field`, `too-large`, ...
    package var code: String
    package var reason: String

    package init(code: String, reason: String) {
        self.code = code
        self.reason = reason
    }
}
