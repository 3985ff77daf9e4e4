import DeliveryCore

/// Work and trouble.
extension World {
    static let inboxes: [InboxID] = (10..<90).map(InboxID.init(rawValue:))

    static func partition(of inbox: InboxID) -> PartitionNumber {
        PartitionNumber(rawValue: Int(inbox.host.rawValue) % partitionCount)
    }

    /// A job enters the intake; one in twenty is malformed.
    mutating func produce() {
        let number = jobs.count + 1_000 * workerCount + eventCount * 100_000
        let lane = Lane.intake.randomElement(using: &random) ?? .normal
        if !chance(0.05) {
            let count = Int.random(in: 1...14, using: &random)
            let audience = Set(
                (0..<count).compactMap { _ in Self.inboxes.randomElement(using: &random) })
            jobs[number] = SimulatedPostgres.Activity(
                lane: lane, stored: wall, expires: chance(0.05) ? wall + .seconds(3) : nil,
                inboxes: audience.sorted())
        }
        redis.intake.append((IntakeReference(lane: lane, id: redis.nextID()), number))
    }

    /// Once in two hundred steps something breaks.
    mutating func makeTrouble() {
        guard chance(0.005) else { return }
        let name = workers.keys.sorted().randomElement(using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<3: loseRedis()
        case 3..<6: losePostgres()
        case 6:
            if let name {
                let thaw = now + delay(500...6_000)
                workers[name]?.frozenUntil = thaw
            }
        case 7: if let name { kill(name) }
        default:
            if workers.count == 1 || workers.count == 2 && chance(0.5) {
                startWorker()
            } else if let name {
                agenda.add(.reply(name, .drainRequested), at: now)
            }
        }
    }

    /// The last one to go is followed by another.
    mutating func replace(_ name: Incarnation) {
        workers[name] = nil
        if workers.isEmpty { startWorker() }
    }

    private mutating func loseRedis() {
        guard isRedisUp else { return }
        isRedisUp = false
        redisConnection += 1
        tellAll(.redisDisconnected)
        agenda.add(.redisReturns, at: now + delay(50...5_000))
    }

    private mutating func losePostgres() {
        guard isPostgresUp else { return }
        isPostgresUp = false
        postgresConnection += 1
        tellAll(.postgresDisconnected)
        agenda.add(.postgresReturns, at: now + delay(50...5_000))
    }

    /// No faults from here on.
    mutating func endTrouble() {
        isTroubled = false
        if !isRedisUp { redisReturns() }
        if !isPostgresUp { postgresReturns() }
    }

    private mutating func kill(_ name: Incarnation) {
        mayRepeat = true
        replace(name)
    }

    mutating func redisReturns() {
        guard !isRedisUp else { return }
        isRedisUp = true
        tellAll(.redisConnected)
    }

    mutating func postgresReturns() {
        guard !isPostgresUp else { return }
        isPostgresUp = true
        tellAll(.postgresConnected)
    }

    private mutating func tellAll(_ event: Event) {
        for name in workers.keys.sorted() { agenda.add(.reply(name, event), at: now) }
    }
}
