/// What has happened outside the machine. Past tense; a late one names something that no longer
/// exists, and is counted and ignored.
package enum Event: Sendable {
    /// Time passed; nothing else.
    case ticked
    /// Standard input ended, or SIGTERM came: finish what is in hand and hand the rest back.
    case drainRequested

    // Redis and PostgreSQL as a whole.
    case redisConnected
    case redisDisconnected
    /// It has reached its `maxmemory`, or has room again.
    case redisFilled(Bool)
    case postgresConnected
    case postgresDisconnected

    // Ownership.
    case membershipSeen(alive: Set<Incarnation>)
    case leaseTaken(PartitionNumber, Bool)
    case epochTaken(PartitionNumber, Epoch)
    case leaseSealed(PartitionNumber, Epoch, Bool)
    case leasesRenewed(kept: [OwnedLease], lost: [OwnedLease], sent: Instant)
    case leasesReleased([PartitionNumber])
    case ownershipFailed(PartitionNumber)
    case examined(PartitionNumber, PartitionCondition)
    /// What is owed of activities up to this one stands in the log.
    case rebuilt(OwnedLease, through: ActivityID)
    /// nil: there is no page after this one.
    case owedFound(StocktakingID, through: ActivityID?, [Owed])
    case owedUnknown(StocktakingID)
    /// These stand nowhere; also none, when nobody could look.
    case sought(StocktakingID, PartitionNumber, nowhere: [DeliveryPointer])
    /// Somebody wants every partition looked at.
    case partitionsDoubted
    case fenced(OwnedLease)

    // Intake.
    case intakeRead([ArrivedEntry])
    case intakeReadFailed
    /// Entries of workers that are gone, and own ones whose reading was never answered.
    case intakeRecovered([ArrivedEntry])
    /// One answer a question, in their order.
    case predecessorsFound(ExpansionID, [Predecessors])
    case predecessorsUnknown(ExpansionID)
    case expanded(ExpansionID, [ExpansionResult])
    case expansionFailed(ExpansionID)
    case routed(ExpansionID)
    case routingFailed(ExpansionID)
    case intakeFinished(ExpansionID)
    case intakeFinishFailed(ExpansionID)
    /// Parked activities whose key has come, or whose sender is paused no more, in order of their
    /// ids; they are routed like fresh ones.
    case unparked([ExpansionResult.Stored])

    // The partitions' logs.
    case logRead([(PartitionNumber, [LogEntry])])
    case logReadFailed
    case prepared(PreparationID, PreparedFacts)
    case preparationFailed(PreparationID)
    case backlogLoaded(PartitionNumber, [HeldHost], later: [Resolution.Later])
    /// Part of a held queue stands in the log as this entry; nil: nothing was held.
    case released(PartitionNumber, HostID, StreamID?, remaining: Int)
    case releaseFailed(PartitionNumber, HostID)
    case dueReleased(PartitionNumber, moved: Int, next: WallTime?)
    case dueReleaseFailed(PartitionNumber)

    // People, and the main server.
    /// The controls in force, all of them.
    case controlsChanged(Controls)
    /// Something came from these hosts lately, by name.
    case hostsSeenAlive(Set<String>)

    // Transfers.
    case transferFinished(
        TransferToken, Exchange, retryAfter: Duration?, quota: Quota? = nil, duration: Duration)
    /// The key of this delivery cannot sign: gone, or broken.
    case keyMissing(TransferToken)
    /// So many transmissions are signed, or will not be.
    case signed(Int)

    // Settlement.
    case flushed(FlushID)
    case flushFailed(FlushID)
    case flushFenced(FlushID, [OwnedLease])
    case resolved(PartitionNumber, ResolutionID)
    case resolutionFailed(PartitionNumber, ResolutionID)
}

/// An intake entry, parsed or not parsable.
package struct ArrivedEntry: Sendable {
    package var lane: Lane
    package var id: StreamID
    package var content: Result<Job, Rejection>

    package init(lane: Lane, id: StreamID, content: Result<Job, Rejection>) {
        self.lane = lane
        self.id = id
        self.content = content
    }
}

/// What became of one job of an expansion.
package enum ExpansionResult: Sendable {
    case stored(Stored)
    /// Stored, but not to be routed until its key comes, or the pause of its sender ends.
    case parked
    /// Nobody to send it to, or PostgreSQL refuses this one activity.
    case refused(Rejection)

    package struct Stored: Sendable {
        package var activity: ActivityID
        package var lane: Lane
        package var sender: SenderID
        package var routes: Routes
        /// Its idempotency key was known already.
        package var again: Bool

        package init(
            activity: ActivityID, lane: Lane, sender: SenderID = .unknown,
            routes: Routes, again: Bool
        ) {
            self.activity = activity
            self.lane = lane
            self.sender = sender
            self.routes = routes
            self.again = again
        }
    }
}

/// A host that had a backlog when its partition changed hands.
package struct HeldHost: Equatable, Sendable {
    package var host: HostID
    package var condition: HostCondition
    package var held: Int

    package init(host: HostID, condition: HostCondition, held: Int) {
        self.host = host
        self.condition = condition
        self.held = held
    }
}

/// What PostgreSQL says of deliveries that were read from a log.
package struct PreparedFacts: Sendable {
    package struct Activity: Sendable {
        package var lane: Lane
        package var stored: WallTime
        package var expires: WallTime?
        /// Bytes of its body.
        package var size: Int
        package var sender: SenderID
        /// nil: it may overtake, and be overtaken.
        package var order: OrderKey?
        package var kind: ActivityKind
        /// Another activity of its order may have been stored before it.
        package var mayFollow: Bool
        /// A revision of an object that a Delete on record has ended.
        package var isSuperseded: Bool
        /// Why it is set aside, in words; nil: it is not. What is set aside has no body here.
        package var quarantine: String?

        package init(
            lane: Lane, stored: WallTime, expires: WallTime?, size: Int,
            sender: SenderID = .unknown, order: OrderKey? = nil,
            kind: ActivityKind = .other, mayFollow: Bool = false, isSuperseded: Bool = false,
            quarantine: String? = nil
        ) {
            self.quarantine = quarantine
            self.sender = sender
            self.order = order
            self.kind = kind
            self.mayFollow = mayFollow
            self.isSuperseded = isSuperseded
            self.lane = lane
            self.stored = stored
            self.expires = expires
            self.size = size
        }
    }

    package struct Inbox: Sendable {
        package var url: String
        package var host: HostID
        package var hostName: String
        /// It has answered 404 or 410 lately.
        package var hasStrikes: Bool
        /// What is on record of its host.
        package var hostCondition: HostCondition

        package init(
            url: String, host: HostID, hostName: String, hasStrikes: Bool = false,
            hostCondition: HostCondition = HostCondition()
        ) {
            self.hostCondition = hostCondition
            self.url = url
            self.host = host
            self.hostName = hostName
            self.hasStrikes = hasStrikes
        }
    }

    /// Those asked for; an absent one is not in PostgreSQL.
    package var activities: [ActivityID: Activity]
    package var inboxes: [InboxID: Inbox]
    /// Of the deliveries that were to be checked: those with an end on record.
    package var settled: [ActivityID: Set<InboxID>]

    package init(
        activities: [ActivityID: Activity], inboxes: [InboxID: Inbox],
        settled: [ActivityID: Set<InboxID>]
    ) {
        self.activities = activities
        self.inboxes = inboxes
        self.settled = settled
    }
}
