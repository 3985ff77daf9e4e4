internal import DeliveryCore

/// Nothing owed is ever in zero places: whatever leaves log, held queue or `later` is committed in
/// PostgreSQL or stands in another of them, and an intake entry goes only when that is so for all
/// of its audience. While a partition is rebuilt what it lost stands in PostgreSQL alone.
struct Whereabouts: Checker {
    static let name = "whereabouts"
    static let heeds: Set<Observation.Kind> = [.stood, .left, .acked, .forgot]

    private var places: [Delivery: Int] = [:]
    /// Activities of which Redis had the last word.
    private var acked: [ActivityID] = []
    /// Of which Redis has lost something, and PostgreSQL has not brought it back yet.
    private var incomplete: Set<PartitionNumber> = []

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .stood(let deliveries, _):
            for delivery in deliveries { places[delivery, default: 0] += 1 }
        case .left(let deliveries):
            for delivery in deliveries {
                let left = (places[delivery] ?? 0) - 1
                places[delivery] = left > 0 ? left : nil
                if left <= 0, world.postgres.settled[delivery] == nil,
                    !incomplete.contains(world.partition(of: delivery.inbox))
                {
                    return Breach(
                        "\(delivery) left its last place and is not settled", .delivery(delivery))
                }
            }
        case .cleared(let partition, let deliveries):
            incomplete.insert(partition)
            for delivery in deliveries {
                let left = (places[delivery] ?? 0) - 1
                places[delivery] = left > 0 ? left : nil
            }
        case .forgot:
            places = world.redis.deliveries.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            incomplete = Set(world.redis.partitions.indices.map(PartitionNumber.init))
        case .rebuilt(let partition):
            incomplete.remove(partition)
            for id in acked {
                if let breach = breach(of: id, in: world, at: partition) { return breach }
            }
        case .acked(let id):
            acked.append(id)
            return breach(of: id, in: world)
        default: break
        }
        return nil
    }

    private func breach(
        of id: ActivityID, in world: World, at partition: PartitionNumber? = nil
    ) -> Breach? {
        guard let activity = world.postgres.activity(id), !world.postgres.parked.contains(id)
        else { return nil }
        for inbox in activity.inboxes {
            let delivery = Delivery(activity: id, inbox: inbox)
            let own = world.partition(of: inbox)
            if places[delivery] == nil, world.postgres.settled[delivery] == nil,
                !incomplete.contains(own), partition == nil || partition == own
            {
                return Breach(
                    "the entry of \(delivery) is acked, and it stands nowhere", .delivery(delivery))
            }
        }
        return nil
    }
}
