/// Some of the lanes.
package struct LaneSet: Equatable, Sendable, ExpressibleByArrayLiteral {
    private var bits: UInt8 = 0

    package init(arrayLiteral lanes: Lane...) {
        for lane in lanes { insert(lane) }
    }

    package mutating func insert(_ lane: Lane) { bits |= 1 << lane.rawValue }
    package func contains(_ lane: Lane) -> Bool { bits & (1 << lane.rawValue) != 0 }
}

/// Which lane sends next: weighted round robin, 16 : 8 : 4 : 1, work-conserving.
///
/// An urgent delivery never waits behind bulk for longer than the slots that bulk already holds,
/// and bulk always moves.
package struct LaneRotation: Equatable, Sendable {
    package static let weights = [16, 8, 4, 1]

    private var credits = Self.weights

    package init() {}

    /// - Parameter lanes: those that have something that may be sent.
    package mutating func next(among lanes: LaneSet) -> Lane? {
        var starved: Lane?
        for lane in Lane.allCases where lanes.contains(lane) {
            let index = Int(lane.rawValue)
            if credits[index] > 0 {
                credits[index] -= 1
                return lane
            }
            starved = starved ?? lane
        }
        guard let starved else { return nil }
        credits = Self.weights
        credits[Int(starved.rawValue)] -= 1
        return starved
    }
}
