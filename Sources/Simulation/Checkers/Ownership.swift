internal import DeliveryCore

/// At most one owner mutates: a worker sends only for partitions that it was told are its own, and
/// not past its own fencing deadline; what Redis and PostgreSQL change, they change for the newest
/// epoch.
struct Ownership: Checker {
    static let name = "ownership"
    static let heeds: Set<Observation.Kind> = [.leased, .rare, .sent, .mutated]

    private struct Claim: Hashable {
        var worker: Int
        var partition: PartitionNumber
    }

    private var deadlines: [Claim: Instant] = [:]

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .leased(let worker, let partition, let until):
            let claim = Claim(worker: worker, partition: partition)
            deadlines[claim] = max(until, deadlines[claim] ?? until)
        case .unleased(let worker, let partition):
            deadlines[Claim(worker: worker, partition: partition)] = nil
        case .sent(let sending):
            let partition = world.partition(of: sending.delivery.inbox)
            let claim = Claim(worker: sending.worker, partition: partition)
            guard let deadline = deadlines[claim] else {
                return Breach(
                    "w\(sending.worker) sends \(sending.delivery), and partition "
                        + "\(partition.rawValue) is not its own", .worker(sending.worker))
            }
            if deadline <= sending.at {
                return Breach(
                    "w\(sending.worker) sends \(sending.delivery) after its lease of "
                        + "\(partition.rawValue) may have run out", .worker(sending.worker))
            }
        case .mutated(let worker, let lease):
            if let epoch = world.postgres.epoch(lease.partition), lease.epoch > epoch {
                return Breach(
                    "w\(worker) changed \(lease.partition.rawValue) under epoch "
                        + "\(lease.epoch.rawValue), which nobody gave out", .worker(worker))
            }
        default: break
        }
        return nil
    }
}
