/// What may be sent, by lane and by what is known of the hosts.
///
/// A host that has never answered, or has failed lately, may hold its slot until a timeout: those
/// share a part of the slots, so that thousands of dead ones never starve the living.
package struct ReadyHosts: Sendable {
    package enum Standing: Int, CaseIterable, Sendable {
        case proven = 0
        case suspect
    }

    private var queues = Array(
        repeating: Array(repeating: FairQueue(), count: Standing.allCases.count),
        count: Lane.allCases.count)

    package init() {}

    package mutating func insert(
        _ host: HostID, _ standing: Standing, for sender: SenderID, in lane: Lane
    ) {
        queues[Int(lane.rawValue)][standing.rawValue].insert(host, for: sender)
    }

    package func has(_ standing: Standing, in lane: Lane) -> Bool {
        !queues[Int(lane.rawValue)][standing.rawValue].isEmpty
    }

    package mutating func popFirst(
        _ standing: Standing, in lane: Lane
    ) -> (sender: SenderID, host: HostID)? {
        queues[Int(lane.rawValue)][standing.rawValue].popFirst()
    }

    package mutating func endTurn(
        of sender: SenderID, _ standing: Standing, in lane: Lane, isUsed: Bool
    ) {
        queues[Int(lane.rawValue)][standing.rawValue].endTurn(of: sender, isUsed: isUsed)
    }
}
