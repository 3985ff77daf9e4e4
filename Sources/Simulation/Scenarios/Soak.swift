internal import DeliveryCore

extension Scenario {
    /// Tight limits, so that all of them are met.
    static func crowded(_ name: String, _ summary: String) -> Scenario {
        var scenario = Scenario(name, summary)
        scenario.configuration.partitionCount = 3
        scenario.configuration.slots = 8
        scenario.configuration.hostWindow = 2
        scenario.configuration.openLimit = 60
        scenario.configuration.intakeLimit = 8
        scenario.configuration.intakeReadCount = 4
        scenario.configuration.expansionLimit = 3
        scenario.configuration.expansionRecipientLimit = 20
        scenario.configuration.flushCount = 6
        scenario.configuration.unsettledLimit = 20
        scenario.configuration.queueTime = .seconds(2)
        scenario.configuration.leaseTime = .seconds(3)
        scenario.configuration.renewInterval = .seconds(1)
        scenario.configuration.heartbeatInterval = .milliseconds(500)
        scenario.configuration.retryPause = .milliseconds(100)
        scenario.configuration.releaseCount = 5
        scenario.configuration.missingKeyDelay = .seconds(1)
        scenario.judge = Judge(
            backoff: Backoff(
                first: .milliseconds(500), factor: 2, ceiling: .seconds(4),
                floor: .milliseconds(100)))
        scenario.expectations.idlePatience = nil
        return scenario
    }

    @Sendable static func soak(_ scale: Scale) -> Scenario {
        var scenario = crowded("soak", "random lives of a few workers in a world full of faults")
        scenario.workers = 1
        scenario.fleet = [HostGroup(8) { $0.isMoody = true }]
        scenario.duration = .seconds(scale(300, 20))
        var traffic = Traffic(
            audience: .some(1...14, of: 1...8), count: scale(600, 40), until: scenario.duration)
        traffic.expiringEvery = 20
        traffic.malformedEvery = 20
        for lane in Lane.intake {
            traffic.lane = lane
            scenario.workload.append(traffic)
        }
        scenario.faults.faults = [
            (.kill, every: .seconds(12)), (.freeze(500...6_000), every: .seconds(12)),
            (.roll, every: .seconds(4)), (.redisAway(50...5_000), every: .seconds(6)),
            (.postgresAway(50...5_000), every: .seconds(6)),
            (.leaseLost, every: .seconds(15)), (.clockJump(2_000), every: .seconds(10)),
        ]
        scenario.faults.failurePercent = 2
        scenario.faults.slowPercent = 3
        scenario.faults.duplicatePercent = 2
        scenario.expectations.mayGiveUp = true
        return scenario
    }

    @Sendable static func kills(_ scale: Scale) -> Scenario {
        var scenario = crowded("kills", "workers die every few seconds; hosts are well")
        scenario.workers = 3
        scenario.fleet = [HostGroup(20)]
        scenario.duration = .seconds(scale(300, 20))
        scenario.workload = [
            Traffic(
                audience: .some(1...14, of: 1...20), count: scale(3_000, 100),
                until: scenario.duration)
        ]
        scenario.faults.faults = [
            (.kill, every: .seconds(2)), (.roll, every: .seconds(5)),
            (.leaseLost, every: .seconds(10)), (.freeze(2_000...5_000), every: .seconds(10)),
        ]
        return scenario
    }

    @Sendable static func lostRedis(_ scale: Scale) -> Scenario {
        var scenario = crowded(
            "lost-redis", "Redis is flushed, or dies and comes back with what it had before")
        scenario.fleet = [HostGroup(10), HostGroup(6) { $0.isMoody = true }]
        scenario.duration = .seconds(scale(600, 60))
        scenario.workload = [
            Traffic(
                audience: .some(1...14, of: 1...16), count: scale(3_000, 150),
                until: scenario.duration),
            Traffic(
                audience: .some(1...6, of: 1...16), shape: .life(apart: .seconds(2)),
                count: scale(300, 20), until: scenario.duration - .seconds(6)),
        ]
        scenario.faults.faults = [
            (.redisFlushed, every: .seconds(15)),
            (.redisRolledBack(50...3_000), every: .seconds(12)),
            (.kill, every: .seconds(2)), (.roll, every: .seconds(8)),
            (.postgresAway(50...3_000), every: .seconds(20)),
            // What was parked for them is woken shortly before Redis comes back without it.
            (.pauseSender(1...50, 500...20_000), every: .milliseconds(500)),
        ]
        // A kill is to fall between a commit and its routing now and then.
        scenario.faults.failurePercent = 2
        scenario.faults.slowPercent = 10
        scenario.expectations.mayGiveUp = true
        return scenario
    }
}
