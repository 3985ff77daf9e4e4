/// Which primary has which slot.
struct SlotMap: Equatable {
    private static let nobody = UInt16.max

    /// Of each slot, the place of its primary among ``primaries``.
    private var owners = [UInt16](repeating: nobody, count: Slot.count)
    private(set) var primaries: [ServerAddress] = []

    init() {}

    /// The answer to CLUSTER SLOTS.
    ///
    /// - Parameter asked: whose answer it is: a node may leave its own host out.
    init(_ reply: RedisReply, asked: ServerAddress) throws(RedisFailure) {
        guard let ranges = reply.array else { throw .malformed("a list of slots expected") }
        for range in ranges {
            guard let parts = range.array, parts.count >= 3, let first = parts[0].integer,
                let last = parts[1].integer, 0 <= first, first <= last, last < Slot.count,
                let node = parts[2].array, node.count >= 2, let port = node[1].integer
            else { throw .malformed("slots and their nodes expected") }
            let address = asked.neighbour(host: node[0].text ?? "", port: Int(port))
            let place = place(of: address)
            for slot in Int(first)...Int(last) { owners[slot] = place }
        }
    }

    /// Every slot has a primary.
    var isComplete: Bool { !owners.contains(Self.nobody) }

    subscript(slot: Slot) -> ServerAddress? {
        let place = owners[slot.number]
        return place == Self.nobody ? nil : primaries[Int(place)]
    }

    /// A node said so; all is looked at anew soon.
    mutating func move(_ slot: Slot, to address: ServerAddress) {
        owners[slot.number] = place(of: address)
    }

    private mutating func place(of address: ServerAddress) -> UInt16 {
        if let place = primaries.firstIndex(of: address) { return UInt16(place) }
        primaries.append(address)
        return UInt16(primaries.count - 1)
    }
}

extension ServerAddress {
    /// Another server as this one names it: without a host, or with `?`, it means its own.
    func neighbour(host: String, port: Int) -> ServerAddress {
        if case .tcp(let own, _) = self, host.isEmpty || host == "?" {
            return .tcp(host: own, port: port)
        }
        return .tcp(host: host, port: port)
    }
}
