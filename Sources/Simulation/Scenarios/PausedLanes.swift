internal import DeliveryCore

/// What operators pause.
extension Scenario {
    @Sendable static func pausedLanes(_ scale: Scale) -> Scenario {
        var scenario = crowded(
            "paused-lanes", "lanes and senders are paused and resumed while objects live and die")
        scenario.workers = 2
        scenario.fleet = [HostGroup(6) { $0.isMoody = true }, HostGroup(4)]
        scenario.duration = .seconds(scale(1_800, 120))
        var lives = Traffic(
            senders: 1...6, audience: .some(1...6, of: 1...10), shape: .life(apart: .seconds(5)),
            count: scale(600, 30), until: scenario.duration - .seconds(20))
        for lane in [Lane.normal, .bulk] {
            lives.lane = lane
            scenario.workload.append(lives)
        }
        var notes = Traffic(
            senders: 1...20, audience: .some(1...6, of: 1...10), count: scale(1_000, 60),
            until: scenario.duration)
        notes.lane = .urgent
        notes.expiringEvery = 20
        scenario.workload.append(notes)
        scenario.faults.faults = [
            (.pauseLane(.bulk, 500...40_000), every: .seconds(20)),
            (.pauseLane(.normal, 500...20_000), every: .seconds(40)),
            (.pauseSender(1...6, 500...40_000), every: .seconds(6)),
            (.kill, every: .seconds(30)), (.roll, every: .seconds(20)),
            (.redisAway(50...2_000), every: .seconds(30)),
            (.postgresAway(50...2_000), every: .seconds(30)),
        ]
        scenario.faults.failurePercent = 1
        scenario.expectations.mayGiveUp = true
        // What was put off last comes back up to 15 minutes after the end of its pause.
        scenario.settleWithin = .seconds(3_600)
        return scenario
    }
}
