internal import DeliveryCore

/// From the scenario's traffic to entries in the intake.
extension World {
    mutating func planWork() {
        for (number, traffic) in scenario.workload.enumerated() {
            let span = max((traffic.until - traffic.from).wholeMilliseconds, 1)
            var times: [Int64] = []
            times.reserveCapacity(traffic.count)
            for _ in 0..<traffic.count {
                times.append(Int64.random(in: 0..<span, using: &random))
            }
            times.sort(by: >)
            productions.append(times)
            planNext(number)
        }
    }

    private mutating func planNext(_ number: Int) {
        guard let time = productions[number].popLast() else { return }
        let due = Self.start + scenario.workload[number].from + .milliseconds(time)
        agenda.add(.produce(number), at: max(due, now))
    }

    mutating func produce(_ number: Int) {
        planNext(number)
        let traffic = scenario.workload[number]
        if traffic.malformedEvery > 0, oneIn(traffic.malformedEvery) {
            jobs.append(nil)
            enter(jobs.count - 1, traffic.lane)
            return
        }
        var kinds: [TrafficKind]
        var apart = Duration.zero
        switch traffic.shape {
        case .single(let kind): kinds = [kind]
        case .life(let pause):
            kinds = [.create, .update, .delete]
            apart = pause
        case .series(let series, let pause):
            kinds = series
            apart = pause
        }
        let sender = Int.random(in: traffic.senders, using: &random)
        let inboxes = draw(traffic.audience)
        let key = UInt64(jobs.count) + 1
        for (place, kind) in kinds.enumerated() {
            let isExpiring = traffic.expiringEvery > 0 && oneIn(traffic.expiringEvery)
            jobs.append(
                SimulatedPostgres.Activity(
                    job: jobs.count, lane: traffic.lane, stored: wall,
                    expires: isExpiring ? wall + .seconds(3) : nil, sender: sender,
                    orderingKey: key, kind: kind, inboxes: inboxes))
            let time = now + apart * place
            agenda.add(.enter(jobs.count - 1, traffic.lane), at: time)
        }
    }

    mutating func enter(_ job: Int, _ lane: Lane) {
        produced[job] = now
        let reference = IntakeReference(lane: lane, id: redis.nextID())
        redis.intake[Int(lane.rawValue)].append((reference, job))
        wakeReaders()
    }

    private mutating func draw(_ audience: Traffic.Audience) -> [InboxID] {
        switch audience {
        case .every(let hosts):
            return hosts.map { InboxID(host: HostID(rawValue: Int32($0)), number: 0) }
        case .some(let counts, let hosts):
            let count = Int.random(in: counts, using: &random)
            var drawn: Set<InboxID> = []
            for _ in 0..<count {
                let host = Int.random(in: hosts, using: &random)
                let number = Int.random(in: 0..<8, using: &random)
                drawn.insert(InboxID(host: HostID(rawValue: Int32(host)), number: number))
            }
            return drawn.sorted()
        }
    }

    var isProducing: Bool { productions.contains { !$0.isEmpty } || produced.count < jobs.count }

    private mutating func oneIn(_ count: Int) -> Bool {
        Int.random(in: 1...count, using: &random) == 1
    }
}
