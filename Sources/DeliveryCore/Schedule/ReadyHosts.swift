/// What may be sent, by lane and by what is known of the hosts.
///
/// A host that has never answered, or has failed lately, may hold its slot until a timeout: those
/// share a part of the slots, so that thousands of dead ones never starve the living.
package struct ReadyHosts: Sendable {
    package enum Standing: Int, CaseIterable, Sendable {
        case proven = 0
        case suspect
    }

    /// One for each lane and standing.
    private var queues = Array(
        repeating: FairQueue(), count: Lane.allCases.count * Standing.allCases.count)

    package init() {}

    package mutating func insert(
        _ host: HostID, _ standing: Standing, for sender: SenderID, in lane: Lane
    ) {
        queues[place(of: standing, in: lane)].insert(host, for: sender)
    }

    package func has(_ standing: Standing, in lane: Lane) -> Bool {
        !queues[place(of: standing, in: lane)].isEmpty
    }

    package mutating func popFirst(
        _ standing: Standing, in lane: Lane
    ) -> (sender: SenderID, host: HostID)? {
        queues[place(of: standing, in: lane)].popFirst()
    }

    package mutating func endTurn(
        of sender: SenderID, _ standing: Standing, in lane: Lane, isUsed: Bool
    ) {
        queues[place(of: standing, in: lane)].endTurn(of: sender, isUsed: isUsed)
    }

    private func place(of standing: Standing, in lane: Lane) -> Int {
        Int(lane.rawValue) * Standing.allCases.count + standing.rawValue
    }
}
