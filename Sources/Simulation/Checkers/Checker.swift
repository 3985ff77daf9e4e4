package import DeliveryCore

/// One rule, watched all the time.
///
/// It is told what happens, keeps what it must know, and answers with the first thing
/// that must not be. Cost counts: it is asked for every event, so nothing here is linear in what is
/// owed, except when it is sampled.
package protocol Checker: SendableMetatype {
    /// How tests and reports call it.
    static var name: String { get }

    /// It is told of these and of nothing else: most of what happens concerns few of the checkers.
    static var heeds: Set<Observation.Kind> { get }

    init(_ scenario: Scenario)

    mutating func observe(_ observation: Observation, in world: World) -> Breach?
}

/// What must never be.
package struct Breach {
    package var message: String
    package var culprit: Culprit

    init(_ message: String, _ culprit: Culprit = .world) {
        self.message = message
        self.culprit = culprit
    }
}

/// Whose last events tell how it came to this.
package enum Culprit {
    case delivery(Delivery)
    case host(HostID)
    case worker(Int)
    case world
}

package enum Checkers {
    /// All of them; every run is watched by each.
    package static let all: [any Checker.Type] = [
        Whereabouts.self, Recoveries.self, Ownership.self, SingleFlight.self, Order.self,
        Sequence.self, Limits.self, DeadHosts.self, Suspects.self, Pauses.self, Latencies.self,
        Conservation.self,
        Duplicates.self, Refusals.self, OwnOutages.self, Ends.self, Wakefulness.self, Liveness.self,
    ]
}
