internal import DeliveryCore

/// Once faults stop, everything comes to its end in time.
struct Liveness: Checker {
    static let name = "liveness"
    static let heeds: Set<Observation.Kind> = [.turned, .rare]

    private var deadline: Instant?
    private let settleWithin: Duration

    init(_ scenario: Scenario) { settleWithin = scenario.settleWithin }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .troubleEnded: deadline = world.now + settleWithin
        case .turned:
            guard let deadline, world.now > deadline, !world.isQuiet else { return nil }
            self.deadline = nil
            return Breach("not all has ended: \(world.summary)")
        case .ended:
            if !world.isQuiet { return Breach("idle, and not all has ended: \(world.summary)") }
        default: break
        }
        return nil
    }
}
