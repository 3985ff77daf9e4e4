internal import DeliveryCore

/// A delivery ends once, is called delivered only when its host took it, and is given up only when
/// its host gave reason.
struct Ends: Checker {
    static let name = "ends"
    static let heeds: Set<Observation.Kind> = [.accepted, .settled]

    private var taken: Set<Delivery> = []
    private let mayGiveUp: Bool

    init(_ scenario: Scenario) { mayGiveUp = scenario.expectations.mayGiveUp }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .accepted(let sending): taken.insert(sending.delivery)
        case .settled(let delivery, let end, let again):
            if again { return Breach("\(delivery) was settled twice", .delivery(delivery)) }
            if end == .outcome(.delivered), !taken.contains(delivery) {
                return Breach(
                    "\(delivery) is on record as delivered, and nobody took it",
                    .delivery(delivery))
            }
            if case .failed(let reason) = end, !mayGiveUp {
                return Breach("\(delivery) was given up: \(reason)", .delivery(delivery))
            }
            if end == .outcome(.dropped), !mayGiveUp {
                return Breach("\(delivery) was dropped", .delivery(delivery))
            }
        default: break
        }
        return nil
    }
}
