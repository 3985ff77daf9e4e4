internal import DeliveryCore

/// A host takes a delivery twice only where a kill, a fence or a lost answer allows it.
struct Duplicates: Checker {
    static let name = "duplicates"
    static let heeds: Set<Observation.Kind> = [.leased, .answered, .accepted, .rare]

    private var taken: [Delivery: Instant] = [:]
    private var answerLost: Set<Delivery> = []
    private var disturbed: [PartitionNumber: Instant] = [:]
    private var allDisturbed: Instant?
    private var owned: [Int: Set<PartitionNumber>] = [:]

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .leased(let worker, let partition, _): owned[worker, default: []].insert(partition)
        case .killed(let worker), .lostLeases(let worker):
            for partition in owned[worker] ?? [] { disturb(partition, until: world.now) }
        case .disturbed(let partition):
            // Whoever had it may not know before its lease would have ended.
            let known = world.now + world.scenario.configuration.leaseTime
            if let partition { disturb(partition, until: known) } else { allDisturbed = known }
        case .answered(let sending, let answer):
            if case .failed = answer.exchange { answerLost.insert(sending.delivery) }
        case .accepted(let sending):
            let partition = world.partition(of: sending.delivery.inbox)
            guard let other = taken[sending.delivery] else {
                taken[sending.delivery] = sending.at
                return nil
            }
            // What a killed worker had sent may come last.
            let first = min(other, sending.at)
            let trouble = max(
                disturbed[partition] ?? Instant(nanoseconds: 0),
                allDisturbed ?? Instant(nanoseconds: 0))
            if trouble < first, !answerLost.contains(sending.delivery) {
                return Breach(
                    "\(sending.delivery) was taken twice, and nobody was killed or fenced between",
                    .delivery(sending.delivery))
            }
        default: break
        }
        return nil
    }

    private mutating func disturb(_ partition: PartitionNumber, until time: Instant) {
        disturbed[partition] = max(disturbed[partition] ?? time, time)
    }
}
