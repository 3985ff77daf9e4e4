internal import DeliveryCore

/// A machine that owns all partitions, has its slots taken, and has something waiting for each of its
/// hosts: what has been sent is replaced after each batch, so that it stays as it is.
///
/// Redis, PostgreSQL and the hosts answer at once and well. The clocks stand still during a batch.
struct BusyWorker {
    /// What of a delivery's way is counted.
    enum Stage {
        /// It is read from a log, prepared, and queued.
        case open
        /// An earlier one is answered; in its place it is chosen, and signed.
        case schedule
        /// Its result is committed, and its entry, if it is the last of it, goes out of Redis.
        case settle
    }

    /// Deliveries between two flushes: as many as make one due by themselves.
    static let batch = 500
    /// More than a batch, also for one host.
    private static let fewestWaiting = 2_000

    private var machine: DeliveryMachine
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var wall = WallTime(milliseconds: 1_800_000_000_000)
    private let hosts: Int
    private let waiting: Int

    /// Oldest first: answered, under way, and at the end those that nothing has replaced.
    private var sent: [Transmission] = []
    private var answered = 0
    private var replaced = 0
    private var inFlight = 0
    private var finished = 0
    private var asked: [(PreparationID, PreparationRequest)] = []
    private var fediverse = Fediverse()

    init(hosts: Int) throws(Operation.Flaw) {
        self.hosts = hosts
        waiting = max(hosts, Self.fewestWaiting)
        var configuration = WorkerConfiguration()
        // As of a worker.
        configuration.unsignedLimit = 16
        // Room for 50,000 deliveries, which may wait as long as it takes.
        configuration.openLimit = 65_536
        configuration.queueTime = .seconds(1_000_000_000)
        // A flush is due by its age alone.
        configuration.flushCount = Self.batch + 1
        machine = DeliveryMachine(
            incarnation: Incarnation(rawValue: "micro"), configuration: configuration, seed: 1)
        for event in [Event.postgresConnected, .redisConnected, .logRead([])] {
            perform(feed(event))
        }
        var off = Meter(isOn: false)
        let all = (0..<waiting).map { HostID(rawValue: Int32($0 % hosts + 1)) }
        for start in stride(from: 0, to: all.count, by: Self.batch) {
            open(Array(all[start...].prefix(Self.batch)), &off)
        }
        while replaced < sent.count { replace(.open, &off) }
        try settleDown()
    }

    /// Until windows have grown: then each answer makes room for one.
    private mutating func settleDown() throws(Operation.Flaw) {
        var off = Meter(isOn: false)
        var steady = 0
        for _ in 0..<400 {
            inFlight = machine.gauges.inFlight
            cycle(.schedule, &off)
            steady = machine.gauges.inFlight == inFlight ? steady + 1 : 0
            if steady == 10 { return try check() }
        }
        throw .wrong("with \(hosts) hosts the transfers in flight come to no rest")
    }

    /// A batch goes its whole way in a quarter of a second: what is due every second falls between
    /// two batches, and is not counted.
    mutating func cycle(_ stage: Stage, _ meter: inout Meter) {
        exchange(stage, &meter)
        settle(stage, &meter)
        replace(stage, &meter)
        move(.milliseconds(250) - machine.configuration.flushDelay)
        perform(feed(.ticked))
    }

    /// A second later: what is looked at that often.
    mutating func tick(_ meter: inout Meter) {
        move(.seconds(1))
        var actions: [Action] = []
        meter.count { actions = feed(.ticked) }
        perform(actions)
    }

    private mutating func exchange(_ stage: Stage, _ meter: inout Meter) {
        meter.count(if: stage == .schedule) {
            for _ in 0..<Self.batch {
                let token = sent[answered].token
                answered += 1
                perform(
                    feed(
                        .transferFinished(
                            token, .answered(Answer(status: 202)), retryAfter: nil,
                            duration: .milliseconds(80))))
            }
        }
        finished += Self.batch
    }

    private mutating func settle(_ stage: Stage, _ meter: inout Meter) {
        move(machine.configuration.flushDelay)
        meter.count(if: stage == .settle) { perform(feed(.ticked)) }
    }

    /// As many for the same hosts.
    private mutating func replace(_ stage: Stage, _ meter: inout Meter) {
        let served = sent[replaced...].map { Fediverse.host(named: $0.host) }
        sent.removeFirst(answered)
        answered = 0
        replaced = sent.count
        var off = Meter(isOn: false)
        if stage == .open { open(served, &meter) } else { open(served, &off) }
    }

    private mutating func open(_ hosts: [HostID], _ meter: inout Meter) {
        let batch = fediverse.post(to: hosts)
        var actions: [Action] = []
        meter.count { actions = feed(.logRead(batch)) }
        perform(actions)
        while let (id, request) = asked.popLast() {
            let facts = Fediverse.facts(on: request, wall: wall)
            meter.count { actions = feed(.prepared(id, facts)) }
            perform(actions)
        }
    }

    // MARK: Around the machine

    /// Whether everything has gone its way, and what is waiting is what was.
    func check() throws(Operation.Flaw) {
        var tally = DeliveryMachine.Tally()
        tally.delivered = finished
        var expected = machine.gauges
        expected.inFlight = inFlight
        expected.open = waiting + inFlight
        expected.owned = machine.configuration.partitionCount
        expected.unsettled = 0
        expected.hosts = hosts
        expected.held = 0
        expected.isAway = false
        guard machine.tally == tally, machine.gauges == expected, machine.staleEvents == 0,
            sent.count == inFlight
        else {
            throw .wrong("\(machine.gauges), \(machine.tally): expected \(expected), \(tally)")
        }
    }

    private mutating func move(_ duration: Duration) {
        now = now + duration
        wall = wall + duration
    }

    private mutating func feed(_ event: Event) -> [Action] {
        machine.handle(event, now: now, wall: wall)
    }

    /// Redis and PostgreSQL do at once what is asked, find nothing amiss, and are alone with us.
    private mutating func perform(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .send(let transmissions):
                sent += transmissions
                perform(feed(.signed(transmissions.count)))
            case .flush(let id, _): perform(feed(.flushed(id)))
            case .resolve(let lease, let id, _): perform(feed(.resolved(lease.partition, id)))
            case .prepare(let id, let request): asked.append((id, request))
            case .heartbeat: perform(feed(.membershipSeen(alive: [machine.incarnation])))
            case .takeLease(let partition): perform(feed(.leaseTaken(partition, true)))
            case .takeEpoch(let partition):
                perform(feed(.epochTaken(partition, Epoch(rawValue: 1))))
            case .sealLease(let partition, let epoch):
                perform(feed(.leaseSealed(partition, epoch, true)))
            case .examine(let lease):
                perform(feed(.examined(lease.partition, .whole(through: .zero))))
            case .loadBacklog(let partition):
                perform(feed(.backlogLoaded(partition, [], later: [])))
            case .interruptLogRead: perform(feed(.logRead([])))
            case .renewLeases(let leases, _):
                perform(feed(.leasesRenewed(kept: leases, lost: [], sent: now)))
            case .recoverIntake: perform(feed(.intakeRecovered([])))
            case .releaseDue(let lease, _):
                perform(feed(.dueReleased(lease.partition, moved: 0, next: nil)))
            case .findOwed(let id, _, _): perform(feed(.owedFound(id, through: nil, [])))
            case .readIntake, .readLogs, .forget, .log: break
            default: preconditionFailure("a worker that is well asks for \(action)")
            }
        }
    }
}
