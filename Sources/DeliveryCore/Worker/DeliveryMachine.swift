internal import DequeModule

/// The worker's mind: what happened goes in, what to do comes out.
///
/// A value without I/O, clock or chance of its own, so a test reads as a trace and a simulation
/// runs years in seconds. The way of a delivery through it:
///
/// - `+Intake`: entries of the intake -> expansion batches -> routed -> acked;
/// - `+Predecessors`: what concerns one object is expanded in the order in which it was enqueued;
/// - `+Ownership`: membership -> leases and epochs -> partitions read or handed back;
/// - `+Rebuilding`: what Redis has lost comes back from PostgreSQL;
/// - `+Stocktaking`: what is owed and stands nowhere is looked for;
/// - `+Log`: log entries -> open deliveries;
/// - `+Preparation`: what PostgreSQL knows of them -> their hosts' queues;
/// - `+Ordering`: what concerns one object goes to one host in its order;
/// - `+Dispatch`: queues -> transmissions, as slots and windows allow;
/// - `+Verdicts`: exchanges -> verdicts -> results;
/// - `+Hosts`: verdicts -> circuits, windows, pauses, probes;
/// - `+Connectivity`: when it is us who are away;
/// - `+Controls`: what people say about hosts, lanes and senders;
/// - `+Releases`: what waits in Redis -> the log again;
/// - `+Settlement`: results -> flushes -> resolved entries.
///
/// What the machine decides by stands in the other folders, a value each: a host's circuit, window,
/// pace and controls in `Destination`, whose turn it is in `Schedule`, what an answer means in
/// `Outcome`, whose partitions are whose in `Ownership`, what PostgreSQL is to be told in
/// `Settlement`.
///
/// The words: a **held queue** is a host's list in Redis of what waits for *the host*; **`later`** is a
/// partition's list in Redis of what waits for *a time of its own*. Both hold pointers and go back
/// through the log. What is held or still on its way there is a host's **backlog**. A **chain** is
/// what concerns one object at one host; one activity of it at a time has its **turn**. A host is
/// **proven** that has answered and not failed since, else a **suspect**. To **settle** a delivery:
/// its result waits for a commit. To **decide** it: its log entry needs it no more. To **close** it: it
/// leaves the table. To **conclude** an entry: all of it is decided. To **resolve** it: Redis is told.
/// A **transmission** is asked for, a **transfer** is under way, an **exchange** is what came of it.
package struct DeliveryMachine: Sendable {
    package let configuration: WorkerConfiguration
    package let incarnation: Incarnation
    let judge: Judge
    var random: SeededGenerator

    var actions: [Action] = []
    var now = Instant(nanoseconds: 0)
    var wall = WallTime(milliseconds: 0)

    /// Set once; nothing new is begun from then on.
    package internal(set) var isDraining = false
    var hasFinished = false
    var isRedisUp = false
    var isPostgresUp = false
    /// It takes nothing that adds, but for what makes room soon.
    var isRedisFull = false

    // Ownership
    var partitions = PartitionTable()
    var alive: Set<Incarnation> = []
    var heartbeatDue = Instant(nanoseconds: 0)
    var renewalDue = Instant(nanoseconds: 0)
    var recoveryDue = Instant(nanoseconds: 0)

    var stocktaking = Stocktaking()

    // Intake
    var arrived: [Lane: Deque<ExpansionJob>] = [:]
    /// Jobs that wait until others are done with what comes before them.
    var followers: [Lane: [Candidate]] = [:]
    /// Entries on their way, and when the read that brought them was asked for.
    var inHand: [IntakeReference: Instant] = [:]
    var expansions: [ExpansionID: Expansion] = [:]
    /// Since when an intake read is out.
    var readingIntakeSince: Instant?
    /// The lanes that it is to answer with.
    var readingLanes: [Lane] = []
    var intakePausedUntil: Instant?

    // Log
    var entries = Slab<OpenEntry>()
    var deliveries = Slab<OpenDelivery>()
    /// Deliveries opened since the last sweep.
    var opened = 0
    /// Open deliveries by partition.
    var openCounts: [PartitionNumber: Int] = [:]
    /// Open deliveries by sender.
    var openBySender: [SenderID: Int] = [:]
    var activities: [ActivityID: OpenActivity] = [:]
    /// Bytes of the bodies of ``activities``.
    var openBytes = 0
    var preparations: [PreparationID: Preparation] = [:]
    /// What the read that is under way was asked for; an answer to anything else is stale.
    var readingLogs: [PartitionNumber: LogPosition]?
    /// Entries that were read and are not open yet.
    var unopened = UnopenedEntries()
    /// Those of which a part is open and another waits.
    var partlyOpen: [PartitionNumber: [StreamID: EntryIndex]] = [:]
    var logPausedUntil: Instant?

    // Dispatch
    var hosts = HostTable()
    /// Whether hosts can be reached at all.
    var connectivity = Connectivity()
    /// What operators want of hosts, lanes and senders.
    var controls = Controls()
    /// Hosts with a pause or a backlog, and when each is looked at again.
    var waitingHosts: [HostID: Instant] = [:]
    /// Hosts of whose backlog something is on its way back, or was lately.
    var returningHosts: Set<HostID> = []
    /// Objects that were deleted lately, and when this worker saw it.
    var deletions: [OrderKey: Instant] = [:]
    /// Chains in which a turn has ended and the next is being given, in this order.
    var turnsOver: Deque<(ChainKey, parked: ActivityID?)> = []
    /// Hosts that have more to send, and may later.
    var pacedHosts: Set<HostID> = []
    var ready = ReadyHosts()
    var rotation = LaneRotation()
    /// Deliveries that try a host whose circuit is open.
    var probes: Deque<DeliveryIndex> = []
    /// Hosts that are being probed, from the release of their probe to its answer.
    var probing: Set<HostID> = []
    var suspectsInFlight = 0
    /// Since backlogs were last released.
    var suspectsEnded = 0
    var transfers: [TransferToken: DeliveryIndex] = [:]
    /// Transmissions that nobody has signed yet.
    var unsigned = 0
    var sweepDue = Instant(nanoseconds: 0)

    // Settlement
    var settlement = Settlement()
    var resolutions: [ResolutionID: PendingResolution] = [:]
    /// Entries that were concluded while this event is handled.
    var concluded: [PartitionNumber: [Resolution]] = [:]
    var releaseDue = Instant(nanoseconds: 0)
    /// Whose backlog was asked for last: the next round begins behind it.
    var lastReleased = HostID(rawValue: 0)
    /// Log entries that hold part of a host's backlog.
    var releasedEntries: [PartitionNumber: [StreamID: HostID]] = [:]

    package internal(set) var tally = Tally()
    var lastToken: UInt64 = 0
    /// Events that named something gone; a number that grows without reason is a bug's trace.
    package private(set) var staleEvents: UInt64 = 0

    package init(
        incarnation: Incarnation, configuration: WorkerConfiguration = WorkerConfiguration(),
        judge: Judge = Judge(), seed: UInt64
    ) {
        self.incarnation = incarnation
        self.configuration = configuration
        self.judge = judge
        random = SeededGenerator(seed: seed)
    }

    /// Takes one event and says what to do about it.
    package mutating func handle(_ event: Event, now: Instant, wall: WallTime) -> [Action] {
        self.now = now
        self.wall = wall
        // A thawed worker must not act on what waited for it before it sees how late it is; only a
        // renewal may say that the leases were kept after all.
        if case .leasesRenewed = event {} else { loseOverdue() }
        apply(event)
        advance()
        defer { actions = [] }
        return actions
    }

    private mutating func apply(_ event: Event) {
        switch event {
        case .ticked: break
        case .drainRequested: beginDrain()
        case .redisConnected: redisConnected()
        case .redisDisconnected: redisDisconnected()
        case .redisFilled(let isFull): isRedisFull = isFull
        case .postgresConnected: isPostgresUp = true
        case .postgresDisconnected: isPostgresUp = false

        case .membershipSeen(let alive): membershipSeen(alive)
        case .leaseTaken(let partition, let ours): leaseTaken(partition, ours)
        case .epochTaken(let partition, let epoch): epochTaken(partition, epoch)
        case .leaseSealed(let partition, let epoch, let ours):
            leaseSealed(partition, epoch, ours)
        case .leasesRenewed(let kept, let lost, let sent):
            leasesRenewed(kept: kept, lost: lost, sent: sent)
        case .leasesReleased(let released): leasesReleased(released)
        case .ownershipFailed(let partition): ownershipFailed(partition)
        case .examined(let partition, let condition): examined(partition, condition)
        case .rebuilt(let lease, let activity): rebuilt(lease, through: activity)
        case .owedFound(let id, let activity, let owed):
            owedFound(id, through: activity, owed)
        case .owedUnknown(let id): owedUnknown(id)
        case .sought(let id, let partition, let nowhere):
            sought(id, partition, nowhere: nowhere)
        case .partitionsDoubted: doubtPartitions()
        case .fenced(let lease): lose(lease, because: "its lease has another owner")

        case .intakeRead(let entries): intakeRead(entries)
        case .intakeReadFailed: intakeReadFailed()
        case .intakeRecovered(let entries): take(entries, since: nil)
        case .predecessorsFound(let id, let answers): predecessorsFound(id, answers)
        case .predecessorsUnknown(let id): expansionFailed(id)
        case .expanded(let id, let results): expanded(id, results)
        case .expansionFailed(let id): expansionFailed(id)
        case .routed(let id): routed(id)
        case .routingFailed(let id): expansionFailed(id)
        case .intakeFinished(let id): intakeFinished(id)
        case .intakeFinishFailed(let id): expansionFailed(id)
        case .unparked(let activities): unparked(activities)

        case .logRead(let batch): logRead(batch)
        case .logReadFailed: logReadFailed()
        case .prepared(let id, let facts): prepared(id, facts)
        case .preparationFailed(let id): preparationFailed(id)
        case .backlogLoaded(let partition, let held, let later):
            backlogLoaded(partition, held, later)
        case .released(let partition, let host, let entry, let remaining):
            released(partition, host, as: entry, remaining: remaining)
        case .releaseFailed(let partition, let host): releaseFailed(partition, host)
        case .dueReleased(let partition, let moved, let next):
            dueReleased(partition, moved: moved, next: next)
        case .dueReleaseFailed(let partition): dueReleaseFailed(partition)

        case .controlsChanged(let controls): controlsChanged(controls)
        case .hostsSeenAlive(let names): hostsSeenAlive(names)

        case .transferFinished(let token, let exchange, let retryAfter, let quota, let duration):
            transferFinished(
                token, exchange, retryAfter: retryAfter, quota: quota, duration: duration)
        case .keyMissing(let token): keyMissing(token)
        case .signed(let count): unsigned -= count

        case .flushed(let id): flushed(id)
        case .flushFailed(let id): flushFailed(id)
        case .flushFenced(let id, let lost): flushFenced(id, lost)
        case .resolved(let partition, let id): resolved(partition, id)
        case .resolutionFailed(let partition, let id): resolutionFailed(partition, id)
        }
    }

    /// Everything that time or freed room makes possible, in the order of a delivery's way; only the
    /// logs are read last, when it is known for how much there is room.
    private mutating func advance() {
        if hasFinished { return }
        advanceOwnership()
        advanceIntake()
        advancePreparations()
        openEntries()
        advanceReleases()
        advanceStocktaking()
        wakePaced()
        sweepQueues()
        watchConnectivity()
        dispatch()
        advanceSettlement()
        resolveConcluded()
        advanceLogs()
        finishDrain()
    }

    /// When the machine wants to hear of the time at the latest.
    ///
    /// Only what can be acted upon counts, or the loop would spin. What is not named here (lease
    /// deadlines, pauses, due releases) is looked at once a second, with the sweep.
    package var nextDeadline: Instant {
        var deadline = sweepDue
        if isRedisUp { deadline = min(deadline, heartbeatDue, renewalDue) }
        if let paceDue { deadline = min(deadline, max(paceDue, now + .milliseconds(1))) }
        if isRedisUp, isPostgresUp, let due = followersDue { deadline = min(deadline, due) }
        if isPostgresUp {
            if let due = settlement.due(configuration, isIdle: isIdle) {
                deadline = min(deadline, due)
            }
            if let due = settlement.retryDue() { deadline = min(deadline, due) }
        }
        return deadline
    }

    /// Nothing is on its way that could add a result soon.
    var isIdle: Bool { transfers.isEmpty }

    mutating func emit(_ action: Action) { actions.append(action) }

    mutating func note(_ level: Notice.Level, _ message: String) {
        emit(.log(Notice(level: level, message: message)))
    }

    mutating func nextToken() -> UInt64 {
        lastToken += 1
        return lastToken
    }

    mutating func countStale() { staleEvents += 1 }

    /// Numbers for gauges.
    package var gauges: Gauges {
        Gauges(
            inFlight: transfers.count, open: deliveries.count, owned: partitions.ownedCount,
            unsettled: settlement.unsettled, hosts: hosts.count,
            held: hosts.backlog, isAway: connectivity.isAway)
    }

    package struct Gauges: Equatable, Sendable {
        package var inFlight: Int
        package var open: Int
        package var owned: Int
        package var unsettled: Int
        package var hosts: Int
        package var held: Int
        /// Nobody can be reached: it is us.
        package var isAway: Bool
    }

    /// What has happened so far, counted.
    package struct Tally: Equatable, Sendable {
        /// Exchanges with an answer, by what the verdict made of the delivery.
        package var delivered = 0
        package var retried = 0
        package var held = 0
        package var failed = 0
        package var knockedAgain = 0
        package var reconnected = 0
        /// Deliveries not sent again because PostgreSQL had their end on record.
        package var duplicatesSuppressed = 0
        package var leasesLost = 0
        /// Deliveries that stood nowhere, and were given back to Redis.
        package var recovered = 0

        package init() {}
    }

    /// Whether this worker does its whole job: everything is connected and what it should own is
    /// owned.
    package var isReady: Bool {
        isRedisUp && isPostgresUp && !isDraining && !alive.isEmpty
            && partitions.ownedCount == partitions.desired.count
    }
}

/// An activity of which deliveries are open.
package struct OpenActivity: Sendable {
    /// nil until PostgreSQL has been asked.
    var facts: PreparedFacts.Activity?
    /// Open deliveries of it: one inbox is never open twice.
    var inboxes: Set<InboxID> = []
}
