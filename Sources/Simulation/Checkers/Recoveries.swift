internal import DeliveryCore

/// What an owner gives back to Redis had stood nowhere, and Redis has lost something before.
struct Recoveries: Checker {
    static let name = "recoveries"
    static let heeds: Set<Observation.Kind> = [.forgot, .rare]

    private var hasForgot = false

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .forgot: hasForgot = true
        case .recovered(let deliveries):
            guard let first = deliveries.first else { return nil }
            if !hasForgot {
                return Breach(
                    "\(first) is given back to Redis, which has lost nothing", .delivery(first))
            }
            // It has been appended by now.
            let partition = world.partition(of: first.inbox)
            let standing = world.redis.deliveries(of: partition)
            for delivery in deliveries where standing.count(where: { $0 == delivery }) > 1 {
                return Breach(
                    "\(delivery) is given back to Redis, where it stands", .delivery(delivery))
            }
        default: break
        }
        return nil
    }
}
