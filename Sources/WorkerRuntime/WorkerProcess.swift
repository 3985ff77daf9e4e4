internal import DeliveryCore
internal import EventLoop
internal import Glibc
internal import IntakeParsing
package import Logging
internal import PostgresStore
internal import RedisQueue
package import Scoreboard
internal import SigningKeys
internal import Telemetry
package import Transport

/// One worker: one thread, one loop, one machine.
///
/// A turn gathers what the adapters report into events, feeds the machine, and performs its
/// actions, until nothing is left to feed. Adapters call back only while the loop runs its
/// handlers, and only to put an event into the queue.
package final class WorkerProcess {
    let options: WorkerOptions
    let loop: EventLoop
    let queue: RedisQueue
    let store: PostgresStore
    private let storeState: StateRelay
    let transport: Transport
    let keys: KeySource
    let log: Logger
    let recorder: Recorder
    let addresses: AddressBook
    let inboxes: InboxDirectory
    var machine: DeliveryMachine
    var shelf = ActivityShelf()
    var freshActivities = FreshActivities(now: EventLoop.now)
    var composer = RequestComposer()
    /// Transmissions of this turn, and what earlier ones left over.
    var outbox: [Transmission] = []
    var signingTurn = SigningTurn()
    let parser = IntakeParser()
    var entriesInHand = EntriesInHand()
    private var complaints = Throttle<Complaint>()
    var isFinished = false
    private var events: [Event] = []
    private var lifeline: DescriptorWatch?
    private var signals: [SignalWatch] = []
    /// When the owner of partition 0 drops what is past its retention.
    var housekeepingDue = EventLoop.now + WorkerProcess.housekeepingDelay
    /// When it is asked for metrics how much stands in Redis.
    var depthsDue = EventLoop.now
    var isPostgresUp = false
    var isRedisFull = false
    /// The last change of `control` that was acted upon.
    var handledControlEpoch: Int64?
    var parkedDue = EventLoop.now
    /// They are routed a hundred at a time: until the last, nobody begins anew.
    var isWakingParked = false
    /// The machine hears that PostgreSQL is there when the controls are known.
    var awaitsControls = false
    var isLoadingControls = false
    var controlsDue = EventLoop.now
    var pausedSenders = PausedSenders()
    var wasReady = false
    /// What the last examination of each partition has found.
    var findings: [PartitionNumber: RebuildRun.Finding] = [:]
    /// Partitions that are to be rebuilt with the next run, and the run that is under way.
    var toRebuild: [RebuildRun.Part] = []
    var rebuilding: RebuildRun?
    var rebuildTimer: LoopTimer?
    var owingSweep = OwingSweep()
    var newestActivities = NewestActivities()
    var newestActivityDue = EventLoop.now

    /// - Parameter board: the slot in the supervisor's scoreboard; nil without a supervisor.
    /// - Throws: when the authorities to trust cannot be read.
    package init(
        _ options: WorkerOptions, board: ScoreboardSlot?, log: Logger
    ) throws(UnusableAuthorities) {
        self.options = options
        self.log = log
        let loop = EventLoop()
        self.loop = loop
        recorder = Recorder(board: board)
        queue = RedisQueue(
            loop: loop, endpoint: options.redis, keys: QueueKeys(prefix: options.keyPrefix),
            incarnation: options.incarnation)
        let relay = StateRelay()
        let keyFailures = FailureRelay()
        let store = PostgresStore(
            loop: loop, connectionString: options.database,
            random: SeededGenerator(seed: .random(in: .min ... .max)),
            onStateChange: { relay.onChange($0, $1) })
        self.store = store
        storeState = relay
        inboxes = InboxDirectory(loop: loop, store: store)
        transport = try Transport(
            loop: loop, configuration: options.transport, onFlaw: { log.warning("\($0)") })
        keys = KeySource(
            directory: options.keyDirectory.map(KeyDirectory.init), store: store,
            multiBuffer: Self.multiBuffer(options.multiBufferLibrary, log),
            now: { EventLoop.now },
            onFlaw: { log.warning("\($0)") },
            onFailure: { keyFailures.onFailure($0) })
        addresses = AddressBook(
            guarding: AddressGuard(allowed: options.transport.allowedAddresses),
            allowsPlainHTTP: options.allowsPlainHTTP)
        var limits = options.limits
        limits.unsignedLimit = SigningTurn.long
        machine = DeliveryMachine(
            incarnation: options.incarnation, configuration: limits,
            seed: UInt64.random(in: .min ... .max))
        keyFailures.onFailure = { [weak self] in self?.complain(.learnKeys, $0) }
    }

    private static func multiBuffer(_ library: String?, _ log: Logger) -> MultiBufferSigner? {
        guard let library else { return nil }
        do throws(MultiBufferRefusal) {
            return try MultiBufferSigner(library: library, onFault: { log.error("\($0)") })
        } catch {
            log.warning("libcrypto signs, one at a time, and not \(library): \(error)")
            return nil
        }
    }

    /// Works until everything is drained. Returns when the process may end.
    package func run() {
        watchForEnd()
        connect()
        while !isFinished {
            turn()
        }
        queue.stop()
        store.close()
    }

    // MARK: The turn

    private func turn() {
        loop.turn(waitingAtMost: waitLimit)
        if events.isEmpty { events.append(.ticked) }
        while !events.isEmpty {
            for event in takeEvents() {
                loop.meter.enter(.schedule)
                let actions = machine.handle(
                    event, now: EventLoop.now, wall: EventLoop.wallTime)
                for action in actions {
                    loop.meter.enter(action.account)
                    perform(action)
                }
                handBackEntries(after: event)
            }
        }
        sendOutbox()
        loop.meter.enter(.schedule)
        reportReadiness()
        recorder.publish(
            machine.gauges, machine.tally, transport.statistics, keys.ring.multiBuffer,
            loop.meter.spent, stale: machine.staleEvents)
    }

    private var waitLimit: Duration {
        guard events.isEmpty else { return .zero }
        var deadline = machine.nextDeadline
        if !outbox.isEmpty { deadline = min(deadline, signingTurn.deadline ?? EventLoop.now) }
        return max(.zero, deadline - EventLoop.now)
    }

    /// Says what failed and is tried again, without a flood.
    func complain(_ what: Complaint, _ failure: any Error) {
        guard let withheld = complaints.admit(what, now: EventLoop.now) else { return }
        let others = withheld > 0 ? " (and \(withheld) times since the last line)" : ""
        log.warning("\(what.rawValue), will be tried again\(others): \(failure)")
    }

    /// Puts an event into the queue of this turn.
    func occur(_ event: Event) { events.append(event) }

    /// What has been reported and is still to be fed to the machine.
    func takeEvents() -> [Event] {
        let batch = events
        events.removeAll(keepingCapacity: true)
        return batch
    }

    private func reportReadiness() {
        let isReady = machine.isReady
        guard isReady != wasReady else { return }
        wasReady = isReady
        recorder.state = isReady ? .ready : machine.isDraining ? .draining : .starting
        if isReady { log.info("worker ready: \(machine.gauges.owned) partitions") }
    }

    // MARK: Connections

    func connect() {
        storeState.onChange = { [weak self] isUp, reason in
            guard let self, !self.isFinished else { return }
            self.isPostgresUp = isUp
            self.recorder.setPostgres(isUp)
            self.report("PostgreSQL", isUp, "\(StoreFailure.away(reason))")
            isUp ? self.postgresCameUp() : self.postgresWentAway()
        }
        queue.onStateChange = { [weak self] isUp, reason in
            guard let self, !self.isFinished else { return }
            self.recorder.setRedis(isUp)
            self.report("Redis", isUp, "Redis is away: \(reason)")
            self.occur(isUp ? .redisConnected : .redisDisconnected)
        }
        store.open()
        queue.start()
    }

    private func report(_ name: String, _ isUp: Bool, _ loss: String) {
        isUp ? log.info("\(name) connected") : log.warning("\(loss)")
    }

    // MARK: The end

    /// Standard input is the lifeline: its end, however it comes, means drain; a byte, that a worker
    /// has died.
    private func watchForEnd() {
        for signal in [SIGTERM, SIGINT] {
            signals.append(
                loop.watch(signal: signal) { [weak self] in self?.occur(.drainRequested) })
        }
        guard loop.canWatch(STDIN_FILENO) else {
            log.info("standard input cannot be watched (a file or /dev/null): SIGTERM drains")
            return
        }
        lifeline = loop.watch(STDIN_FILENO) { [weak self] _ in
            var byte: UInt8 = 0
            let count = read(STDIN_FILENO, &byte, 1)
            if count == 1 {
                // The supervisor's nudge: somebody is missing, see who.
                if self?.wasReady == true { self?.heartbeat() }
                return
            }
            guard count == 0 || (errno != EAGAIN && errno != EINTR) else { return }
            self?.lifeline?.cancel()
            self?.occur(.drainRequested)
        }
        lifeline?.update(.readable)
    }
}

/// Lets the key source be made before the worker that tells of its failures.
private final class FailureRelay {
    var onFailure: (StoreFailure) -> Void = { _ in }
}

/// Lets the store be made before the worker that listens to it.
private final class StateRelay {
    var onChange: (_ isUp: Bool, _ reason: String) -> Void = { _, _ in }
}
