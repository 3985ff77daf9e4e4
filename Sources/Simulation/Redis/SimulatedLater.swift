internal import DeliveryCore
internal import DequeModule

/// A partition's `later`: a sorted set, so a delivery stands in it once, at the time named last.
///
/// It is kept as Redis keeps it, by time and then by the bytes of the member, which begin with the
/// number of the activity. A few thousand at most: to stay sorted costs little.
package struct SimulatedLater {
    /// What a new owner looks at of it.
    static let inheritedLimit = 8_192

    private var sorted: Deque<Resolution.Later> = []
    private var dues: [Member: WallTime] = [:]

    private struct Member: Hashable {
        var pointer: DeliveryPointer
        var chain: ChainKey?
    }

    package init() {}

    package var isEmpty: Bool { sorted.isEmpty }
    package var count: Int { sorted.count }

    var first: Resolution.Later? { sorted.first }

    var deliveries: [Delivery] { sorted.map { Delivery($0.pointer) } }

    /// What stands here and in a chain.
    var chained: [Resolution.Later] {
        sorted.prefix(Self.inheritedLimit).filter { $0.chain != nil }
    }

    mutating func put(_ later: Resolution.Later) {
        let member = Member(pointer: later.pointer, chain: later.chain)
        if let due = dues.updateValue(later.due, forKey: member) {
            var former = later
            former.due = due
            sorted.remove(at: place(of: former))
        }
        sorted.insert(later, at: place(of: later))
    }

    mutating func removeFirst() {
        let first = sorted.removeFirst()
        dues[Member(pointer: first.pointer, chain: first.chain)] = nil
    }

    /// Where it stands, or is to stand.
    private func place(of later: Resolution.Later) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].precedes(later) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Resolution.Later {
    fileprivate func precedes(_ other: Resolution.Later) -> Bool {
        let (mine, others) = (pointer, other.pointer)
        let first = (due, mine.activity, mine.inbox, mine.attempts)
        let second = (other.due, others.activity, others.inbox, others.attempts)
        if first != second { return first < second }
        return bytes.lexicographicallyPrecedes(other.bytes)
    }
}
