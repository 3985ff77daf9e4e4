internal import DeliveryCore

/// All checkers of a run, and what they have found.
///
/// It stands beside the world and is shown it: what is neither the world's nor asks for it twice
/// needs no copy of it, and there is one for each observation.
struct Watch {
    private var checkers: [any Checker]
    /// Their places, by the kind of observation that they heed.
    private let listeners: [[Int]]
    private var journal = Journal()
    private(set) var violation: Violation?

    init(_ checkers: [any Checker]) {
        self.checkers = checkers
        listeners = Observation.Kind.allCases.map { kind in
            checkers.indices.filter { type(of: checkers[$0]).heeds.contains(kind) }
        }
    }

    /// Shows the checkers what has happened since they looked.
    mutating func see(_ world: World) {
        for observation in world.observations {
            journal.note(observation, at: world.now)
            for place in listeners[observation.kind.rawValue] where violation == nil {
                if let breach = checkers[place].observe(observation, in: world) {
                    violate(type(of: checkers[place]).name, breach, in: world)
                }
            }
        }
    }

    mutating func violate(_ checker: String, _ breach: Breach, in world: World) {
        guard violation == nil else { return }
        violation = Violation(
            checker: checker, message: breach.message, age: world.age, event: world.eventCount,
            trace: journal.lines(about: breach.culprit, in: world.partition(of: breach.culprit)))
    }
}

extension World {
    fileprivate func partition(of culprit: Culprit) -> PartitionNumber? {
        switch culprit {
        case .delivery(let delivery): partition(of: delivery.inbox)
        case .host(let host): partition(of: InboxID(host: host, number: 0))
        case .worker, .world: nil
        }
    }
}
