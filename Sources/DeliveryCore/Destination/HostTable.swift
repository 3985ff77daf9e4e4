/// The hosts that a worker knows, each changed where it stands.
///
/// One takes more than 500 bytes, and every delivery changes its own a dozen times: a dictionary
/// would move it out and back each time (1,200 instructions, measured; 300 here).
package struct HostTable: Sendable {
    private var places: [HostID: Int] = [:]
    /// The first is nobody's.
    private var standing: [Host?] = [nil]
    private var free: [Int] = []

    package init() {}

    package var count: Int { places.count }
    package var ids: Dictionary<HostID, Int>.Keys { places.keys }

    // Inlined, or each access allocates a frame with room for a host; which takes one `yield` each.
    package subscript(id: HostID) -> Host? {
        @inline(__always) _read { yield standing[places[id] ?? 0] }
        @inline(__always) _modify {
            let place = places[id] ?? vacancy(for: id)
            defer { if standing[place] == nil { vacate(place, of: id) } }
            yield &standing[place]
        }
    }

    /// Those that fit, in no particular order, without a copy of any.
    package func ids(where fits: (Host) -> Bool) -> [HostID] {
        var found: [HostID] = []
        for (id, place) in places {
            if let host = standing[place], fits(host) { found.append(id) }
        }
        return found
    }

    /// Deliveries for any of them that wait in Redis, or will in a moment.
    package var backlog: Int { standing.indices.reduce(0) { $0 + (standing[$1]?.backlog ?? 0) } }

    package mutating func removeAll(of partition: PartitionNumber) {
        for (id, place) in places where standing[place]?.partition == partition { self[id] = nil }
    }

    private mutating func vacancy(for id: HostID) -> Int {
        let place = free.popLast() ?? standing.count
        if place == standing.count { standing.append(nil) }
        places[id] = place
        return place
    }

    private mutating func vacate(_ place: Int, of id: HostID) {
        places[id] = nil
        free.append(place)
    }
}

extension HostTable: Sequence {
    package struct Iterator: IteratorProtocol {
        fileprivate var places: Dictionary<HostID, Int>.Iterator
        fileprivate let standing: [Host?]

        package mutating func next() -> (id: HostID, host: Host)? {
            guard let (id, place) = places.next(), let host = standing[place] else { return nil }
            return (id, host)
        }
    }

    package func makeIterator() -> Iterator {
        Iterator(places: places.makeIterator(), standing: standing)
    }
}
