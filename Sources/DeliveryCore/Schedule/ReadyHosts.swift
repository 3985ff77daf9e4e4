internal import DequeModule

/// The hosts that have something to send, a ring per lane.
///
/// The fediverse fans out wide and shallow, so fairness is a matter of choosing hosts: each turn of
/// a ring takes one delivery from one host. A host stands in a ring at most once.
package struct ReadyHosts: Sendable {
    private var rings: [Deque<HostID>] = Array(repeating: [], count: Lane.allCases.count)
    private var members: [Set<HostID>] = Array(repeating: [], count: Lane.allCases.count)

    package init() {}

    /// The lanes in which some host stands.
    package var lanes: LaneSet {
        var lanes: LaneSet = []
        for lane in Lane.allCases where !rings[Int(lane.rawValue)].isEmpty { lanes.insert(lane) }
        return lanes
    }

    package mutating func insert(_ host: HostID, in lane: Lane) {
        let index = Int(lane.rawValue)
        if members[index].insert(host).inserted { rings[index].append(host) }
    }

    package mutating func popFirst(_ lane: Lane) -> HostID? {
        let index = Int(lane.rawValue)
        guard let host = rings[index].popFirst() else { return nil }
        members[index].remove(host)
        return host
    }
}
