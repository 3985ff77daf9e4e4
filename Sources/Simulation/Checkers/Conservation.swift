internal import DeliveryCore

/// No slot is idle while work waits that may be done.
///
/// Seen from outside, and so that no scheduling rule can excuse it: a host that has always
/// answered, has nothing in flight, and is owed a delivery that stands in the log of an owned
/// partition, for longer than the patience, while its owner has slots and room.
struct Conservation: Checker {
    static let name = "conservation"
    static let heeds: Set<Observation.Kind> = [
        .stood, .sent, .settled, .answered, .leased, .sampled, .rare,
    ]

    private struct Standing {
        var waiting: [Delivery] = []
        /// Those before it in `waiting` have gone.
        var first = 0
        var inFlight = 0
        var idleSince = Instant(nanoseconds: 0)
        var hasAnswered = false
        var isUnproven = false
    }

    private var hosts: [HostID: Standing] = [:]
    private var gone: Set<Delivery> = []
    /// Nobody is to blame for what waits meanwhile.
    private var disturbed = Instant(nanoseconds: 0)
    private var leases: [PartitionNumber: Int] = [:]
    private let patience: Duration?
    private let configuration: WorkerConfiguration

    init(_ scenario: Scenario) {
        patience = scenario.expectations.idlePatience
        configuration = scenario.configuration
    }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        guard let patience else { return nil }
        switch observation {
        case .stood(let deliveries, isFresh: true):
            for delivery in deliveries {
                hosts[delivery.inbox.host, default: Standing()].waiting.append(delivery)
            }
        case .stood(let deliveries, isFresh: false): gone.formUnion(deliveries)
        case .sent(let sending):
            gone.insert(sending.delivery)
            hosts[sending.host, default: Standing()].inFlight += 1
        case .settled(let delivery, _, _): gone.insert(delivery)
        case .answered(let sending, let answer):
            hosts[sending.host]?.inFlight -= 1
            hosts[sending.host]?.idleSince = world.now
            let isFine: Bool
            if case .answered(let said) = answer.exchange {
                isFine = said.status < 300
            } else {
                isFine = false
            }
            if isFine {
                hosts[sending.host]?.hasAnswered = true
            } else {
                hosts[sending.host]?.isUnproven = true
            }
        case .leased(let worker, let partition, _):
            if leases.updateValue(worker, forKey: partition) != worker { disturbed = world.now }
        case .unleased, .disturbed, .killed, .lostLeases, .troubleEnded: disturbed = world.now
        case .sampled:
            if isExcused(world) { disturbed = world.now }
            guard world.now - disturbed > patience else { return nil }
            return look(in: world, patience)
        default: break
        }
        return nil
    }

    private func isExcused(_ world: World) -> Bool {
        !world.isRedisUp || !world.isPostgresUp || world.network.isOurOutage(at: world.age)
            || world.workers.numbers.contains { number in
                world.workers[number].frozenUntil > world.now
                    || world.workers[number].flights.count * 100 >= configuration.slots * 90
                    || world.workers[number].machine.gauges.open >= configuration.openLimit / 2
                    || world.workers[number].machine.isDraining
            }
    }

    private mutating func look(in world: World, _ patience: Duration) -> Breach? {
        let idle = hosts.filter {
            $0.value.hasAnswered && !$0.value.isUnproven && $0.value.inFlight == 0
        }.keys
        for id in idle {
            guard let host = hosts[id] else { continue }
            var first = host.first
            while first < host.waiting.count, gone.contains(host.waiting[first]) { first += 1 }
            hosts[id]?.first = first
            guard first < host.waiting.count else {
                hosts[id]?.waiting.removeAll()
                hosts[id]?.first = 0
                continue
            }
            guard let job = world.postgres.activity(host.waiting[first].activity)?.job,
                let entered = world.produced[job]
            else { continue }
            let since = max(entered, host.idleSince, disturbed)
            if world.now - since > patience {
                return Breach(
                    "\(host.waiting[first]) waits for \((world.now - since).wholeMilliseconds) ms, "
                        + "its host is well and idle, and so are slots",
                    .delivery(host.waiting[first]))
            }
        }
        return nil
    }
}
