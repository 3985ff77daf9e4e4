internal import DeliveryCore

/// Hosts with ways of their own, and objects with a life.
extension Scenario {
    @Sendable static func rateLimited(_ scale: Scale) -> Scenario {
        var scenario = Scenario("rate-limited", "hosts that count requests and refuse with 429")
        scenario.workers = 1
        scenario.fleet = [
            HostGroup(2) { $0.limit = .concurrent(2, retryAfter: nil) },
            HostGroup(2) { $0.limit = .perSecond(10, retryAfter: nil) },
            HostGroup(2) { $0.limit = .perSecond(10, retryAfter: .seconds(5)) },
        ]
        scenario.duration = .seconds(scale(900, 120))
        scenario.workload = [
            Traffic(
                audience: .some(6...12, of: 1...6), count: scale(10_000, 600),
                until: .seconds(scale(600, 60)))
        ]
        // Learning a limit costs a few, whatever comes after.
        scenario.expectations.refusalPercent = scale(5, 8)
        scenario.settleWithin = .seconds(3_600)
        return scenario
    }

    @Sendable static func poison(_ scale: Scale) -> Scenario {
        var scenario = Scenario("poison", "activities that hosts cannot bear, among good ones")
        scenario.workers = 1
        scenario.fleet = [HostGroup(10) { $0.chokesOnPoison = true }, HostGroup(10)]
        scenario.duration = .seconds(120)
        scenario.workload = [
            Traffic(
                audience: .some(2...8, of: 1...20), shape: .single(.poison), count: scale(100, 10),
                until: .seconds(60)),
            Traffic(
                senders: 51...99, audience: .some(2...8, of: 1...20), count: scale(3_000, 150),
                until: .seconds(110)),
        ]
        scenario.settleWithin = .seconds(3 * 3_600)
        scenario.tick = .seconds(1)
        scenario.expectations.mayGiveUp = true
        scenario.expectations.latencies = [
            // What waits behind half a dozen of them in a row (seed 580: 65 s).
            Expectations.Latency(lane: .normal, senders: 51...99, p99: .seconds(75))
        ]
        return scenario
    }

    private static let ownerChanges: [(FaultPlan.Fault, every: Duration)] = [
        (.kill, every: .seconds(8)), (.roll, every: .seconds(6)),
        (.redisAway(50...2_000), every: .seconds(12)),
    ]

    @Sendable static func ordering(_ scale: Scale) -> Scenario {
        var scenario = crowded(
            "ordering", "Create, Update, Delete of objects under failures and owner changes")
        scenario.workers = 2
        scenario.fleet = [HostGroup(6) { $0.isMoody = true }]
        scenario.duration = .seconds(scale(300, 30))
        scenario.workload = [
            Traffic(
                audience: .some(1...6, of: 1...6), shape: .life(apart: .seconds(2)),
                count: scale(600, 30), until: scenario.duration - .seconds(6))
        ]
        scenario.faults.faults = ownerChanges
        scenario.faults.failurePercent = 1
        scenario.expectations.mayGiveUp = true
        return scenario
    }

    @Sendable static func revisions(_ scale: Scale) -> Scenario {
        var scenario = ordering(scale)
        scenario.name = "revisions"
        scenario.summary = "Create, Update, Delete of objects under failures, with one owner"
        scenario.workers = 1
        scenario.faults.faults = []
        scenario.faults.failurePercent = 0
        return scenario
    }

    @Sendable static func bursts(_ scale: Scale) -> Scenario {
        var scenario = crowded(
            "bursts", "what concerns one object comes within milliseconds, and several workers read"
        )
        scenario.workers = 3
        scenario.fleet = [HostGroup(6)]
        scenario.duration = .seconds(scale(300, 30))
        let lives: [[TrafficKind]] = [
            [.create, .update, .update], [.create, .update, .update, .delete],
        ]
        scenario.workload = lives.map { kinds in
            Traffic(
                audience: .some(1...6, of: 1...6),
                shape: .series(kinds, apart: .milliseconds(1)),
                count: scale(600, 30), until: scenario.duration - .seconds(6))
        }
        scenario.faults.faults =
            ownerChanges + [(.postgresAway(50...2_000), every: .seconds(20))]
        scenario.faults.failurePercent = 1
        scenario.expectations.mayGiveUp = true
        return scenario
    }

    @Sendable static func refusedBursts(_ scale: Scale) -> Scenario {
        var scenario = bursts(scale)
        scenario.name = "refused-bursts"
        scenario.summary += ", while hosts come and go"
        scenario.fleet = [
            HostGroup(4),
            HostGroup(2) {
                $0.life = [
                    Phase(
                        .asksToWait(503, nil), until: scenario.duration - .seconds(10),
                        every: .seconds(4))
                ]
            },
        ]
        return scenario
    }
}
