internal import DeliveryCore

/// Trouble, drawn from the scenario's plan.
extension World {
    mutating func planFaults() {
        let rollsBack = scenario.faults.faults.contains {
            if case .redisRolledBack = $0.0 { true } else { false }
        }
        if rollsBack { agenda.add(.keepRedis, at: now) }
        for (number, fault) in scenario.faults.faults.enumerated() {
            agenda.add(.fault(number), at: now + interval(around: fault.every))
        }
    }

    /// Exponential would be truer; uniform keeps the shortest ones apart.
    private mutating func interval(around mean: Duration) -> Duration {
        .milliseconds(Int64.random(in: 1...mean.wholeMilliseconds * 2, using: &random))
    }

    mutating func strike(_ number: Int) {
        guard isTroubled else { return }
        let (fault, every) = scenario.faults.faults[number]
        agenda.add(.fault(number), at: now + interval(around: every))
        let victim = workers.numbers.randomElement(using: &random)
        switch fault {
        case .kill: if let victim { kill(victim) }
        case .freeze(let time):
            let thaw = now + delay(time)
            if let victim {
                workers[victim].frozenUntil = max(workers[victim].frozenUntil, thaw)
            }
        case .roll:
            if workers.count <= 1 || workers.count < scenario.workers + 1 && chance(50) {
                startWorker()
            } else if let victim {
                agenda.add(.reply(victim, .drainRequested), at: now)
            }
        case .redisAway(let time):
            if isRedisUp { loseRedis(for: delay(time)) }
        case .redisFlushed:
            redis.flush()
            observe(.disturbed(nil))
            observe(.forgot)
        case .redisRolledBack(let time):
            guard isRedisUp, let earlier = keptRedis.randomElement(using: &random) else { return }
            redis.restart(with: earlier)
            keptRedis.removeAll()
            observe(.disturbed(nil))
            observe(.forgot)
            loseRedis(for: delay(time))
        case .postgresAway(let time):
            guard isPostgresUp else { return }
            isPostgresUp = false
            postgresConnection += 1
            tellAll(.postgresDisconnected)
            agenda.add(.postgresReturns, at: now + delay(time))
        case .leaseLost:
            let number = Int.random(in: 0..<redis.partitions.count, using: &random)
            redis.dropLeases { partition, _ in partition.rawValue == number }
            observe(.disturbed(PartitionNumber(rawValue: number)))
        case .clockJump(let range):
            wallOffset += Int64.random(in: Int64(-range)...Int64(range), using: &random)
        case .pauseLane(let lane, let time):
            if isPostgresUp { pause(.lane(lane), for: delay(time)) }
        case .pauseSender(let senders, let time):
            let sender = Int.random(in: senders, using: &random)
            if isPostgresUp { pause(.sender(sender), for: delay(time)) }
        }
    }

    private mutating func loseRedis(for time: Duration) {
        isRedisUp = false
        redisConnection += 1
        tellAll(.redisDisconnected)
        wakeReaders()
        agenda.add(.redisReturns, at: now + time)
    }

    /// What an AOF or a replica of it would have: never more than the last two seconds behind.
    mutating func keepRedis() {
        if keptRedis.count == 4 { keptRedis.removeFirst() }
        if isRedisUp { keptRedis.append(redis) }
        agenda.add(.keepRedis, at: now + .milliseconds(500))
    }

    /// No faults from here on.
    mutating func endTrouble() {
        isTroubled = false
        network.isTroubled = false
        wallOffset = max(wallOffset, 0)
        if !isRedisUp { redisReturns() }
        if !isPostgresUp { postgresReturns() }
        liftAll()
        observe(.troubleEnded)
    }

    mutating func kill(_ number: Int) {
        guard workers.contains(number) else { return }
        let name = workers[number].name
        observe(.killed(number))
        // A living supervisor gives the dead one's leases back; without it they run out.
        if chance(50) { redis.dropLeases { _, owner in owner == name } }
        replace(number)
    }

    /// The last one to go is followed by another.
    mutating func replace(_ number: Int) {
        workers.remove(number)
        if workers.isEmpty { startWorker() }
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
        for number in workers.numbers { agenda.add(.reply(number, event), at: now) }
    }
}
