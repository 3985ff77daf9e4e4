internal import DeliveryCore

/// Hosts, and our own network, away for a while.
extension Scenario {
    /// Days, with intake and slots of an ordinary size.
    private static func days(_ name: String, _ summary: String) -> Scenario {
        var scenario = Scenario(name, summary)
        scenario.slowDown()
        scenario.workers = 1
        scenario.expectations.idlePatience = .seconds(60)
        scenario.settleWithin = .seconds(86_400)
        return scenario
    }

    @Sendable static func deadHost(_ scale: Scale) -> Scenario {
        var scenario = days("dead-host", "one host is dead for a day, owed much, and comes back")
        let day = Duration.seconds(86_400)
        scenario.fleet = [
            HostGroup(1) { $0.life = [Phase(.refuses, from: .seconds(600), until: day)] },
            HostGroup(20),
        ]
        scenario.duration = day + .seconds(3_600)
        scenario.workload = [
            Traffic(
                audience: .every(1...1), count: scale(100_000, 500), from: .seconds(1_200),
                until: .seconds(80_000)),
            Traffic(
                senders: 51...60, audience: .some(1...5, of: 2...21), count: scale(20_000, 200),
                until: scenario.duration),
        ]
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .normal, senders: 51...60, p99: .seconds(15))
        ]
        return scenario
    }

    @Sendable static func bigServerAway(_ scale: Scale) -> Scenario {
        var scenario = days("big-server-away", "a big server is down for a day and comes back")
        let day = Duration.seconds(86_400)
        scenario.fleet = [
            HostGroup(1) {
                $0.life = [Phase(.blackholes, from: .seconds(600), until: day)]
                $0.latency.median = .milliseconds(40)
            },
            HostGroup(scale(3_000, 50)),
        ]
        let others = scale(3_000, 50) + 1
        scenario.duration = day + .seconds(1_800)
        scenario.workload = [
            Traffic(
                audience: .some(2...12, of: 1...others), count: scale(50_000, 200),
                until: .seconds(86_000)),
            Traffic(
                audience: .every(1...1), count: scale(50_000, 300), until: .seconds(86_000)),
        ]
        return scenario
    }

    @Sendable static func livingAndDead(_ scale: Scale) -> Scenario {
        var scenario = Scenario("living-and-dead", "three of ten hosts are dead, each in its way")
        scenario.workers = 1
        scenario.configuration.slots = scale(1_000, 100)
        let tenth = scale(300, 20)
        scenario.fleet = [
            HostGroup(tenth * 7), HostGroup(tenth) { $0.life = [Phase(.refuses)] },
            HostGroup(tenth) { $0.life = [Phase(.blackholes)] },
            HostGroup(tenth) { $0.life = [Phase(.hangs)] },
        ]
        scenario.duration = .seconds(120)
        // The living are known as such before it begins.
        scenario.workload = [
            Traffic(
                senders: 90...99, audience: .every(1...tenth * 7), count: 3, until: .seconds(5)),
            Traffic(
                audience: .every(1...tenth * 10), count: scale(20, 6), from: .seconds(20),
                until: .seconds(100)),
        ]
        scenario.settleWithin = .seconds(6 * 3_600)
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .normal, senders: 1...50, p99: .seconds(10))
        ]
        return scenario
    }

    @Sendable static func flapping(_ scale: Scale) -> Scenario {
        var scenario = Scenario("flapping", "hosts come and go every twenty seconds")
        scenario.workers = 1
        let way: [Behaviour] = [.refuses, .errs(502), .asksToWait(503, nil)]
        scenario.duration = .seconds(scale(3_600, 180))
        let until = scenario.duration
        scenario.fleet = way.map { behaviour in
            HostGroup(3) {
                $0.life = [Phase(behaviour, until: until, every: .seconds(20))]
            }
        }
        scenario.workload = [
            Traffic(
                audience: .some(1...4, of: 1...9), count: scale(10_000, 200), until: until)
        ]
        scenario.settleWithin = .seconds(7_200)
        return scenario
    }

    @Sendable static func ourOutage(_ scale: Scale) -> Scenario {
        var scenario = Scenario("our-outage", "our own DNS and network are away for 20 minutes")
        scenario.workers = 1
        let hosts = scale(3_000, 60)
        scenario.fleet = [HostGroup(hosts)]
        scenario.duration = .seconds(1_900)
        scenario.tick = .seconds(1)
        scenario.readPatience = .seconds(20)
        scenario.faults.outages = [.seconds(300) ..< .seconds(1_500)]
        scenario.workload = [
            Traffic(
                audience: .some(5...20, of: 1...hosts), count: scale(20_000, 150),
                until: .seconds(1_800))
        ]
        scenario.settleWithin = .seconds(600)
        scenario.expectations.idlePatience = nil
        return scenario
    }

    @Sendable static func slowLoris(_ scale: Scale) -> Scenario {
        var scenario = Scenario("slow-loris", "hosts that take for ever, among others")
        scenario.workers = 1
        scenario.configuration.slots = 40
        scenario.fleet = [HostGroup(20), HostGroup(20) { $0.life = [Phase(.dribbles)] }]
        scenario.duration = .seconds(120)
        scenario.workload = [
            Traffic(senders: 90...99, audience: .every(1...20), count: 3, until: .seconds(5)),
            Traffic(
                audience: .some(2...8, of: 1...40), count: scale(2_000, 150), from: .seconds(10),
                until: .seconds(110)),
        ]
        scenario.settleWithin = .seconds(6 * 3_600)
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .normal, senders: 1...50, p99: .seconds(10))
        ]
        return scenario
    }

    @Sendable static func strangers(_ scale: Scale) -> Scenario {
        var scenario = Scenario(
            "strangers", "nobody has ever answered, and a third never will")
        scenario.workers = 1
        scenario.configuration.slots = 40
        let third = scale(200, 15)
        scenario.fleet = [HostGroup(third * 2), HostGroup(third) { $0.life = [Phase(.hangs)] }]
        scenario.duration = .seconds(120)
        scenario.settleWithin = .seconds(6 * 3_600)
        scenario.workload = [
            Traffic(
                audience: .some(2...8, of: 1...third * 3), count: scale(2_000, 150),
                until: .seconds(110))
        ]
        return scenario
    }
}
