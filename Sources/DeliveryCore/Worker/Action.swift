/// What the machine wants done. Imperative; each is answered by the event its comment names, once.
package enum Action: Sendable {
    // Ownership.
    /// -> membershipSeen
    case heartbeat
    /// -> leaseTaken | ownershipFailed
    case takeLease(PartitionNumber)
    /// -> epochTaken | ownershipFailed
    case takeEpoch(PartitionNumber)
    /// -> leaseSealed | ownershipFailed
    case sealLease(PartitionNumber, Epoch)
    /// -> leasesRenewed; nothing when Redis is away
    /// `whole`: Redis is known to have all of these, so their marks may be moved on.
    case renewLeases([OwnedLease], whole: Set<PartitionNumber>)
    /// -> leasesReleased, also when Redis is away: then they run out by themselves
    case releaseLeases([OwnedLease])
    /// Whether Redis still has all of it -> examined | ownershipFailed
    case examine(OwnedLease)
    /// Brings back what is owed of the activities after this one; nil: of all, in the place of what is
    /// left in Redis -> rebuilt | ownershipFailed | fenced
    case rebuild(OwnedLease, after: ActivityID?)
    /// -> backlogLoaded | ownershipFailed
    case loadBacklog(PartitionNumber)

    /// A page of what is owed to these partitions, and was given to Redis long ago
    /// -> owedFound | owedUnknown
    case findOwed(StocktakingID, after: ActivityID, [PartitionNumber])
    /// Which of these stand neither in `later` nor in the log behind this entry? -> sought
    case seek(StocktakingID, OwnedLease, after: StreamID, [DeliveryPointer])
    /// Puts into the log what stands nowhere; nothing is answered, a lost one is found again.
    case restore(OwnedLease, [Fanout])

    // Intake.
    /// -> intakeRead | intakeReadFailed
    case readIntake([Lane], count: Int)
    /// Claims what absent workers left unfinished -> intakeRecovered; nothing when Redis is away
    case recoverIntake([Lane], alive: Set<Incarnation>)
    /// Makes a blocked intake read answer now.
    case interruptIntakeRead
    /// Sets entries aside; nothing is answered, a lost one comes again.
    case rejectIntake([RejectedIntake])
    /// Which earlier entries of the lane, not finished yet, may concern the same objects?
    /// -> predecessorsFound | predecessorsUnknown
    case findPredecessors(ExpansionID, Lane, [PredecessorQuestion])
    /// -> expanded | expansionFailed
    case expand(ExpansionID, [ExpansionJob])
    /// -> routed | routingFailed
    case route(ExpansionID, [RoutedEntry])
    /// -> intakeFinished | intakeFinishFailed
    case finishIntake(ExpansionID, [IntakeReference])
    /// The parked activities have been routed -> intakeFinished | intakeFinishFailed
    case finishUnparking(ExpansionID, [ActivityID])

    // The partitions' logs.
    /// -> logRead | logReadFailed
    case readLogs([LogCursor], count: Int)
    /// Makes a blocked log read answer now: what is to be read has changed.
    case interruptLogRead
    /// -> prepared | preparationFailed
    case prepare(PreparationID, PreparationRequest)
    /// -> released | releaseFailed
    case release(OwnedLease, HostID, count: Int)
    /// -> dueReleased | dueReleaseFailed
    case releaseDue(OwnedLease, count: Int)

    // Transfers.
    /// Sign and send, all of a turn together -> transferFinished | keyMissing
    case send([Transmission])
    /// The body of this activity is needed no longer.
    case forget(ActivityID)

    // Settlement.
    /// -> flushed | flushFailed | flushFenced
    case flush(FlushID, FlushBatch)
    /// -> resolved | resolutionFailed | fenced
    case resolve(OwnedLease, ResolutionID, [Resolution])

    /// Tell people: one line.
    case log(Notice)
    /// Everything in hand is settled and handed back: the process may end.
    case finish
}

package struct OwnedLease: Hashable, Sendable {
    package var partition: PartitionNumber
    package var epoch: Epoch

    package init(partition: PartitionNumber, epoch: Epoch) {
        self.partition = partition
        self.epoch = epoch
    }
}

package struct LogCursor: Equatable, Sendable {
    package var partition: PartitionNumber
    package var after: StreamID
    /// That the log has ended is believed of the answer, so the reading must not end before this log
    /// was looked at.
    package var isCatchingUp = false
}

package struct RoutedEntry: Equatable, Sendable {
    package var partition: PartitionNumber
    package var fanout: Fanout
}

package struct IntakeReference: Hashable, Sendable {
    package var lane: Lane
    package var id: StreamID

    package init(lane: Lane, id: StreamID) {
        self.lane = lane
        self.id = id
    }
}

package struct RejectedIntake: Equatable, Sendable {
    package var reference: IntakeReference
    package var rejection: Rejection
}

package struct ExpansionJob: Equatable, Sendable {
    package var reference: IntakeReference
    package var job: Job
}

/// What must be known before deliveries can be sent.
package struct PreparationRequest: Equatable, Sendable {
    package var activities: [ActivityID] = []
    package var inboxes: [InboxID] = []
    /// Deliveries that may have been made already.
    package var checks: [ActivityID: [InboxID]] = [:]
}

/// One attempt to be made now.
package struct Transmission: Equatable, Sendable {
    package var token: TransferToken
    package var activity: ActivityID
    package var url: String
    package var host: String
    package var profile: SignatureProfile
    package var onFreshConnection: Bool
}

/// The end of a log entry: what leaves it for a held queue or for `later`; the rest is settled.
package struct Resolution: Equatable, Sendable {
    package var entry: StreamID
    package var holds: [Hold] = []
    package var laters: [Later] = []
    package var hostStates: [HostState] = []
    /// Turns that end in a held queue once this is done; for the machine alone.
    var parkedTurns: [ParkedTurn] = []

    package struct Hold: Equatable, Sendable {
        package var host: HostID
        /// A failed delivery goes back to the head, a fresh one to the tail.
        package var atHead: Bool
        package var pointers: [DeliveryPointer]
        /// Of them those that a former owner had in the log; for the machine alone.
        var inherited = 0
    }

    package struct Later: Equatable, Sendable {
        package var pointer: DeliveryPointer
        package var due: WallTime
        /// Where it stands in a chain: the next owner must not send its successors before it.
        package var chain: ChainKey?

        package init(pointer: DeliveryPointer, due: WallTime, chain: ChainKey? = nil) {
            self.pointer = pointer
            self.due = due
            self.chain = chain
        }
    }

    /// What the next owner must know of a host with a backlog.
    package struct HostState: Equatable, Sendable {
        package var host: HostID
        package var condition: HostCondition
    }

    package init(entry: StreamID) { self.entry = entry }
}

/// One line for people: a change of state, never one per delivery.
package struct Notice: Equatable, Sendable {
    package enum Level: Sendable { case info, warning, error }
    package var level: Level
    package var message: String
}
