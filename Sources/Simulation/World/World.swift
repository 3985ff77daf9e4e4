package import DeliveryCore

/// Workers, Redis, PostgreSQL and hosts in one seeded simulation: every action is carried out with
/// a delay, some fail, some are carried out and reported as failed.
///
/// `+Workload` brings work, `+Workers` feeds the machines, `+Actions` puts on the agenda what they
/// ask for, `+Performance` carries it out, `+Rebuilding` brings back what Redis has
/// lost, `+Faults` breaks things, `+Pauses` is what operators do. What happens is told to the
/// checkers as observations; the world itself judges nothing.
package struct World {
    enum Item {
        case perform(Int, Action, Promise)
        case reply(Int, Event)
        case land(Int, Sending, Network.Outcome)
        case tick(Int, UInt64)
        case patienceOver(Int, Action, UInt64)
        case produce(Int)
        case enter(Int, Lane)
        case fault(Int)
        case thaw(Int)
        case redisReturns
        case keepRedis
        case restore(Int, OwnedLease, after: ActivityID, upTo: ActivityID, Promise)
        case postgresReturns
        case hearControls(Int)
        case lift(PauseSubject)
        case wakeParked
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

    package struct Worker {
        package let name: Incarnation
        package var machine: DeliveryMachine
        /// Replies of the command connection come in order.
        var redisBusyUntil = Instant(nanoseconds: 0)
        package var frozenUntil = Instant(nanoseconds: 0)
        /// What came while it was frozen.
        var mail: [Item] = []
        package var flights: [TransferToken: Sending] = [:]
        /// How often each partition was asked for: what an earlier ownership sent is not counted.
        var ownerships: [PartitionNumber: Int] = [:]
        var sealAsked: [PartitionNumber: Instant] = [:]
        var epochs: [PartitionNumber: Epoch] = [:]
        /// Reads that have found nothing yet.
        var blockedLogRead: (Action, Promise)?
        var blockedIntakeRead: (Action, Promise)?
        var isLogReadInterrupted = false
        var isIntakeReadInterrupted = false
        var tick: UInt64 = 0
        var tickAt = Instant(nanoseconds: 0)
        var lastBusy = Instant(nanoseconds: 0)
        /// What its machine wants after the last event.
        var deadline = Instant(nanoseconds: 0)
        /// It has given partitions up for lost at the last event.
        var hasLostLeases = false
        package var hasFinished = false

        mutating func take(_ event: Event, now: Instant, wall: WallTime) -> [Action] {
            let lost = machine.tally.leasesLost
            let actions = machine.handle(event, now: now, wall: wall)
            deadline = machine.nextDeadline
            hasLostLeases = machine.tally.leasesLost > lost
            return actions
        }
    }

    static let start = Instant(nanoseconds: 1_000_000_000)

    package let scenario: Scenario
    package let seed: UInt64
    /// What stands between a machine and the world, to break rules in tests.
    var tampering: Tampering?
    var random: SeededGenerator
    package internal(set) var now = Self.start
    var wallOffset: Int64 = 0
    var agenda = Agenda<Item>()
    package internal(set) var redis: SimulatedRedis
    package internal(set) var postgres = SimulatedPostgres()
    package internal(set) var network: Network
    package internal(set) var workers = Workers()
    var workerCount = 0
    /// nil: malformed.
    var jobs: [SimulatedPostgres.Activity?] = []
    /// When each job entered the intake.
    package internal(set) var produced: [Int: Instant] = [:]
    /// Times at which each kind of traffic comes, the next one last.
    var productions: [[Int64]] = []

    /// What operators have paused.
    var pauses: [PauseSubject: Pause] = [:]

    package internal(set) var isRedisUp = true
    package internal(set) var isPostgresUp = true
    /// As it was lately, the newest last.
    var keptRedis: [SimulatedRedis] = []
    /// The newest activities, as they were when leases were renewed.
    var newestActivities: [(at: Instant, activity: ActivityID)] = []
    var redisConnection = 0
    var postgresConnection = 0
    /// Faults happen; without them everything must come to its end.
    package internal(set) var isTroubled = true
    /// All workers are to end; before that, one that ended is followed by another.
    var isClosing = false

    package internal(set) var eventCount = 0
    package internal(set) var sendCount = 0
    /// What has happened since the checkers looked.
    var observations: [Observation] = []

    init(_ scenario: Scenario, seed: UInt64, tampering: Tampering? = nil) {
        self.scenario = scenario
        self.seed = seed
        self.tampering = tampering
        random = SeededGenerator(seed: SeededGenerator.mix(seed))
        redis = SimulatedRedis(partitionCount: scenario.configuration.partitionCount)
        network = Network(fleet: scenario.fleet, outages: scenario.faults.outages)
        for _ in 0..<scenario.workers { startWorker() }
        planWork()
        planFaults()
    }

    package var wall: WallTime {
        WallTime(milliseconds: 1_800_000_000_000 + wallOffset + now.nanoseconds / 1_000_000)
    }

    /// Since the beginning.
    package var age: Duration { now - Self.start }

    package func partition(of inbox: InboxID) -> PartitionNumber {
        PartitionNumber(rawValue: Int(inbox.host.rawValue) % redis.partitions.count)
    }

    mutating func chance(_ percent: Int) -> Bool {
        percent > 0 && Int.random(in: 0..<100, using: &random) < percent
    }

    mutating func delay(_ milliseconds: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: milliseconds, using: &random))
    }

    mutating func observe(_ observation: Observation) { observations.append(observation) }

    /// One thing happens; false when nothing ever will again.
    mutating func step() -> Bool {
        guard let (time, item) = agenda.next() else { return false }
        now = max(now, time)
        switch item {
        case .perform(let number, let action, let promise):
            perform(action, of: number, promise)
        case .reply(let number, let event): deliver(event, to: number)
        case .land(let number, let sending, let outcome): land(sending, outcome, of: number)
        case .tick(let number, let tick): self.tick(number, tick)
        case .patienceOver(let number, let action, let asked): loosePatience(number, action, asked)
        case .produce(let traffic): produce(traffic)
        case .enter(let job, let lane): enter(job, lane)
        case .fault(let number): strike(number)
        case .thaw(let number): thaw(number)
        case .redisReturns: redisReturns()
        case .keepRedis: if isTroubled { keepRedis() }
        case .restore(let number, let lease, let after, let last, let promise):
            restore(lease, after: after, upTo: last, of: number, promise)
        case .postgresReturns: postgresReturns()
        case .hearControls(let number): deliver(.controlsChanged(controls), to: number)
        case .lift(let subject): lift(subject)
        case .wakeParked: wakeParked()
        }
        return true
    }

    /// Everything that was produced has come to its end, and nobody keeps a trace of it.
    var isQuiet: Bool {
        guard redis.isEmpty, postgres.owedCount == 0, !isProducing else { return false }
        return workers.numbers.allSatisfy { number in
            let gauges = workers[number].machine.gauges
            return gauges.open == 0 && gauges.inFlight == 0 && gauges.unsettled == 0
                && gauges.held == 0
        }
    }

    package var summary: String {
        let gauges = workers.numbers.map { "w\($0): \(workers[$0].machine.gauges)" }
        return "\(redis.summary), owed \(postgres.owedCount), \(gauges)"
    }
}

/// A filter between a machine and the world, so that a test can break a rule and see a checker find
/// it. Returns what the world gets to see.
package struct Tampering {
    package var actions: ([Action], World) -> [Action]
    package var event: (Event) -> Event
    package var deadline: (Instant) -> Instant

    package init(
        actions: @escaping ([Action], World) -> [Action] = { actions, _ in actions },
        event: @escaping (Event) -> Event = { $0 },
        deadline: @escaping (Instant) -> Instant = { $0 }
    ) {
        self.deadline = deadline
        self.actions = actions
        self.event = event
    }
}
