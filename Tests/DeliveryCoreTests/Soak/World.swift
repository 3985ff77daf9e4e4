import DeliveryCore

/// Workers, Redis, PostgreSQL and hosts in one seeded simulation: every action is carried out with
/// a delay, some fail, some are carried out and reported as failed.
///
/// `World+Actions` answers the workers, `World+Faults` makes trouble, `World+Checks` knows what
/// must hold at every moment.
struct World {
    enum Item {
        case perform(Incarnation, Action, Promise)
        case reply(Incarnation, Event)
        case tick(Incarnation)
        case redisReturns
        case postgresReturns
    }

    /// How an action will go, drawn when it is asked for.
    struct Promise {
        var fails = false
        /// It is carried out, and reported as failed all the same.
        var isCarriedOut = true
        /// The connection it was given to: a broken one fails it.
        var connection = 0
        /// A blocking read gives up then.
        var patience: Instant
        var askedAt: Instant
    }

    struct Worker {
        let name: Incarnation
        var machine: DeliveryMachine
        /// Replies of the command connection come in order.
        var redisBusyUntil = Instant(nanoseconds: 0)
        var frozenUntil = Instant(nanoseconds: 0)
        var flights: [TransferToken: Flight] = [:]
        /// How often each partition was asked for: what an earlier ownership sent is not counted.
        var ownerships: [PartitionNumber: Int] = [:]
        var isLogReadInterrupted = false
        var isIntakeReadInterrupted = false
        var hasFinished = false
    }

    struct Flight {
        var delivery: Delivery
        var ownership: Int
    }

    static let partitionCount = 3
    static let configuration: WorkerConfiguration = {
        var configuration = WorkerConfiguration()
        configuration.partitionCount = partitionCount
        configuration.slots = 8
        configuration.hostWindow = 2
        configuration.openLimit = 60
        configuration.intakeLimit = 8
        configuration.intakeReadCount = 4
        configuration.expansionLimit = 3
        configuration.flushCount = 6
        configuration.unsettledLimit = 20
        configuration.queueTime = .seconds(2)
        configuration.leaseTime = .seconds(3)
        configuration.renewInterval = .seconds(1)
        configuration.heartbeatInterval = .milliseconds(500)
        configuration.retryPause = .milliseconds(100)
        configuration.releaseCount = 5
        configuration.missingKeyDelay = .seconds(1)
        return configuration
    }()

    let seed: UInt64
    var random: SeededGenerator
    var now = Instant(nanoseconds: 1_000_000_000)
    var agenda = Agenda<Item>()
    var redis = SimulatedRedis()
    var postgres = SimulatedPostgres()
    var workers: [Incarnation: Worker] = [:]
    var workerCount = 0
    var jobs: [Int: SimulatedPostgres.Activity] = [:]
    /// 2xx answers a delivery has got.
    var accepted: [Delivery: Int] = [:]

    var isRedisUp = true
    var isPostgresUp = true
    var redisConnection = 0
    var postgresConnection = 0
    /// Faults happen; without them everything must come to its end.
    var isTroubled = true
    /// All workers are to end; before that, one that ended is followed by another.
    var isClosing = false
    /// Some worker was killed or lost a partition: something may have been sent twice.
    var mayRepeat = false

    var eventCount = 0
    /// What must never be; the first ends the run.
    var violation: String?

    init(seed: UInt64) {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        startWorker()
    }

    var wall: WallTime {
        WallTime(milliseconds: 1_800_000_000_000 + now.nanoseconds / 1_000_000)
    }

    mutating func chance(_ share: Double) -> Bool {
        Double(random.next() >> 11) * 0x1p-53 < share
    }

    mutating func delay(_ milliseconds: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: milliseconds, using: &random))
    }

    /// One thing happens; false when nothing ever will again.
    mutating func step() -> Bool {
        guard let (time, item) = agenda.next() else { return false }
        now = max(now, time)
        switch item {
        case .perform(let name, let action, let promise): perform(action, of: name, promise)
        case .reply(let name, let event): deliver(event, to: name)
        case .tick(let name): tick(name)
        case .redisReturns: redisReturns()
        case .postgresReturns: postgresReturns()
        }
        return true
    }

    // MARK: Workers

    mutating func startWorker() {
        workerCount += 1
        let name = Incarnation(rawValue: "w\(workerCount)")
        let backoff = Backoff(
            first: .milliseconds(500), factor: 2, ceiling: .seconds(4), floor: .milliseconds(100))
        workers[name] = Worker(
            name: name,
            machine: DeliveryMachine(
                incarnation: name, configuration: Self.configuration,
                judge: Judge(backoff: backoff),
                seed: seed &+ UInt64(workerCount)))
        if isRedisUp { agenda.add(.reply(name, .redisConnected), at: now) }
        if isPostgresUp { agenda.add(.reply(name, .postgresConnected), at: now) }
        agenda.add(.tick(name), at: now)
    }

    private mutating func tick(_ name: Incarnation) {
        guard workers[name]?.hasFinished == false else { return }
        deliver(.ticked, to: name)
        guard let deadline = workers[name]?.machine.nextDeadline,
            let thaw = workers[name]?.frozenUntil
        else { return }
        let soon = max(thaw, now + .milliseconds(20))
        agenda.add(.tick(name), at: max(soon, min(deadline, now + .milliseconds(250))))
    }

    /// Feeds an event, unless its worker is gone; a frozen one gets it when it thaws.
    private mutating func deliver(_ event: Event, to name: Incarnation) {
        guard let thaw = workers[name]?.frozenUntil else { return }
        if thaw > now {
            if case .ticked = event { return }
            return agenda.add(.reply(name, event), at: thaw)
        }
        if case .transferFinished(let token, let exchange, _, _) = event {
            land(token, exchange, of: name)
        }
        if case .keyMissing(let token) = event { workers[name]?.flights[token] = nil }
        eventCount += 1
        let (now, wall) = (now, wall)
        let actions = workers[name]?.machine.handle(event, now: now, wall: wall) ?? []
        for action in actions { take(action, from: name) }
        checkWorker(name)
    }

    private mutating func land(_ token: TransferToken, _ exchange: Exchange, of name: Incarnation) {
        guard let flight = workers[name]?.flights.removeValue(forKey: token) else { return }
        if case .answered(let answer) = exchange, (200..<300).contains(answer.status) {
            accepted[flight.delivery, default: 0] += 1
        }
    }
}
