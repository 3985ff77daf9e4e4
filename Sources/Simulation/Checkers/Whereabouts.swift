internal import DeliveryCore

/// Nothing owed is ever in zero places: whatever leaves log, held queue or `later` is committed in
/// PostgreSQL or stands in another of them, and an intake entry goes only when that is so for all
/// of its audience.
struct Whereabouts: Checker {
    static let name = "whereabouts"
    static let heeds: Set<Observation.Kind> = [.stood, .left, .acked]

    private var places: [Delivery: Int] = [:]

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .stood(let deliveries, _):
            for delivery in deliveries { places[delivery, default: 0] += 1 }
        case .left(let deliveries):
            for delivery in deliveries {
                let left = (places[delivery] ?? 0) - 1
                places[delivery] = left > 0 ? left : nil
                if left <= 0, world.postgres.settled[delivery] == nil {
                    return Breach(
                        "\(delivery) left its last place and is not settled", .delivery(delivery))
                }
            }
        case .acked(let id):
            guard let activity = world.postgres.activity(id), !world.postgres.parked.contains(id)
            else { return nil }
            for inbox in activity.inboxes {
                let delivery = Delivery(activity: id, inbox: inbox)
                if places[delivery] == nil, world.postgres.settled[delivery] == nil {
                    return Breach(
                        "the entry of \(delivery) is acked, and it stands nowhere",
                        .delivery(delivery))
                }
            }
        default: break
        }
        return nil
    }
}
