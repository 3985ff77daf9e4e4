internal import DeliveryCore

/// A machine never wants to be woken in the past: its loop would spin.
struct Wakefulness: Checker {
    static let name = "wakefulness"
    static let heeds: Set<Observation.Kind> = [.turned]

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        guard case .turned(let worker, let deadline) = observation, deadline <= world.now else {
            return nil
        }
        return Breach("w\(worker) wants to be woken in the past", .worker(worker))
    }
}
