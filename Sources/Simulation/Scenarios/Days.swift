internal import DeliveryCore

/// What the fediverse does on some of its days.
extension Scenario {
    @Sendable static func surge(_ scale: Scale) -> Scenario {
        var scenario = Scenario("surge", "40,000 sign-ups and their follows in a day")
        scenario.fleet = [HostGroup(scale(3_000, 100))]
        let hosts = scenario.hostCount
        // The small one has the same rate for a part of the day.
        let span = Duration.seconds(scale(86_400, 120))
        scenario.duration = span
        var follows = Traffic(
            senders: 1...40_000, audience: .some(1...1, of: 1...hosts),
            count: scale(400_000, 600), until: span)
        follows.lane = .urgent
        var notes = Traffic(
            senders: 1...2_000, audience: .some(5...30, of: 1...hosts), count: scale(40_000, 60),
            until: span)
        notes.lane = .normal
        scenario.workload = [follows, notes]
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .urgent, senders: 1...40_000, p99: .seconds(4))
        ]
        return scenario
    }

    @Sendable static func move(_ scale: Scale) -> Scenario {
        var scenario = Scenario("move", "an account of 200,000 followers moves")
        let hosts = scale(8_000, 200)
        scenario.fleet = [
            HostGroup(hosts * 9 / 10), HostGroup(hosts / 10) { $0.life = [Phase(.blackholes)] },
        ]
        scenario.duration = .seconds(scale(3_600, 60))
        var move = Traffic(
            senders: 1...1, audience: .every(1...hosts), count: 1, from: .seconds(5),
            until: .seconds(6))
        move.lane = .bulk
        var accepts = Traffic(
            senders: 2...2, audience: .some(1...1, of: 1...hosts * 9 / 10),
            count: scale(200_000, 500), from: .seconds(6), until: scenario.duration)
        accepts.lane = .urgent
        let others = Traffic(
            senders: 100...200, audience: .some(1...5, of: 1...hosts * 9 / 10),
            count: scale(5_000, 50), until: scenario.duration)
        scenario.settleWithin = .seconds(6 * 3_600)
        scenario.workload = [move, accepts, others]
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .urgent, senders: 2...2, p99: .seconds(8)),
            Expectations.Latency(lane: .normal, senders: 100...200, p99: .seconds(8)),
        ]
        return scenario
    }

    @Sendable static func massDeletion(_ scale: Scale) -> Scenario {
        var scenario = Scenario("mass-deletion", "a server deletes 100,000 accounts")
        let hosts = scale(2_000, 100)
        scenario.fleet = [HostGroup(hosts)]
        scenario.duration = .seconds(scale(7_200, 40))
        var deletions = Traffic(
            senders: 1_000...200_000, audience: .some(5...20, of: 1...hosts),
            shape: .single(.delete), count: scale(100_000, 300), from: .seconds(5),
            until: .seconds(scale(600, 10)))
        deletions.lane = .bulk
        var urgent = Traffic(
            senders: 1...50, audience: .some(1...1, of: 1...hosts), count: scale(2_000, 60),
            until: scenario.duration)
        urgent.lane = .urgent
        scenario.workload = [deletions, urgent]
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .urgent, senders: 1...50, p99: .seconds(5))
        ]
        scenario.settleWithin = .seconds(7_200)
        return scenario
    }

    @Sendable static func celebrity(_ scale: Scale) -> Scenario {
        var scenario = Scenario(
            "celebrity", "one sender's 30,000 inboxes against urgent singles and other senders")
        let hosts = scale(10_000, 400)
        scenario.workers = 1
        scenario.configuration.slots = scale(500, 40)
        scenario.fleet = [HostGroup(hosts)]
        scenario.duration = .seconds(30)
        let floods = Traffic(
            senders: 1...1, audience: .every(1...hosts), count: 3, from: .seconds(5),
            until: .seconds(6))
        var urgent = Traffic(
            senders: 100...200, audience: .some(1...1, of: 1...hosts), count: scale(500, 60),
            until: .seconds(20))
        urgent.lane = .urgent
        let others = Traffic(
            senders: 100...200, audience: .some(1...1, of: 1...hosts), count: scale(500, 60),
            until: .seconds(20))
        scenario.workload = [floods, urgent, others]
        scenario.expectations.latencies = [
            Expectations.Latency(lane: .urgent, senders: 100...200, p99: .seconds(4)),
            Expectations.Latency(lane: .normal, senders: 100...200, p99: .seconds(4)),
        ]
        return scenario
    }
}
