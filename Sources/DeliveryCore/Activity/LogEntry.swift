/// One entry of a partition's log: deliveries that are owed and not settled.
///
/// Either an activity's fan-out as it was expanded, or deliveries that come back from a held queue
/// or from `later`. The first is compact (a byte or two per inbox), the second carries what a
/// single delivery has been through.
package struct LogEntry: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case fanout(Fanout)
        case pointers([DeliveryPointer])
        /// What cannot be read, and why. It stays in the log for people to see.
        case malformed(reason: String)
    }

    /// The most inboxes (or pointers) that stand in one entry: bounds what one read can bring.
    package static let inboxLimit = 512

    package var id: StreamID
    package var content: Content

    package init(id: StreamID, content: Content) {
        self.id = id
        self.content = content
    }

    /// A fan-out of an activity up to this one may have been delivered in part.
    mutating func flag(upTo activity: ActivityID) {
        guard case .fanout(var fanout) = content, fanout.activity <= activity else { return }
        fanout.again = true
        content = .fanout(fanout)
    }

    /// As an expander has routed it, and nobody has brought it back.
    var isFresh: Bool {
        if case .fanout(let fanout) = content { !fanout.again } else { false }
    }

    /// Of the activities in it.
    package var oldest: ActivityID {
        switch content {
        case .fanout(let fanout): fanout.activity
        case .pointers(let pointers):
            pointers.map(\.activity).min() ?? ActivityID(rawValue: .max)
        case .malformed: ActivityID(rawValue: .max)
        }
    }

    /// Of the activities in it.
    var newest: ActivityID {
        switch content {
        case .fanout(let fanout): fanout.activity
        case .pointers(let pointers): pointers.map(\.activity).max() ?? .zero
        case .malformed: .zero
        }
    }
}

/// An activity and those of its inboxes that belong to one partition.
package struct Fanout: Equatable, Sendable {
    package var activity: ActivityID
    package var lane: Lane
    /// Entries of one sender take turns with those of others.
    package var sender: SenderID
    /// The entry was routed before and may have been delivered in part: ask PostgreSQL first.
    package var again: Bool
    /// Ascending, each once, 1 ... ``LogEntry/inboxLimit``.
    package var inboxes: [InboxID]

    package init(
        activity: ActivityID, lane: Lane, sender: SenderID = .unknown, again: Bool,
        inboxes: [InboxID]
    ) {
        self.activity = activity
        self.lane = lane
        self.sender = sender
        self.again = again
        self.inboxes = inboxes
    }
}

/// One delivery that waits outside the log: in a host's held queue, or in `later`.
package struct DeliveryPointer: Hashable, Sendable {
    package var activity: ActivityID
    package var inbox: InboxID
    /// Attempts made so far; stays at 255. What has waited only because its host was down has not
    /// used any up.
    package var attempts: UInt8

    package init(activity: ActivityID, inbox: InboxID, attempts: UInt8) {
        self.activity = activity
        self.inbox = inbox
        self.attempts = attempts
    }
}
