/// A bounded dictionary that drops what was not used for longest. Every operation is O(1).
///
/// The order is a doubly linked list through an array, so that a use moves two indices and
/// allocates nothing.
struct LeastRecentlyUsed<Key: Hashable, Value> {
    private struct Slot {
        var key: Key
        var value: Value
        var newer: Int?
        var older: Int?
    }

    private let limit: Int
    private var slots: [Slot?] = []
    private var free: [Int] = []
    private var places: [Key: Int] = [:]
    private var newest: Int?
    private var oldest: Int?

    init(limit: Int) {
        precondition(limit > 0, "a cache of \(limit) holds nothing")
        self.limit = limit
    }

    var count: Int { places.count }

    /// Counts as a use.
    mutating func value(for key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        if place != newest {
            unlink(place)
            linkAsNewest(place)
        }
        return slots[place]?.value
    }

    mutating func insert(_ value: Value, for key: Key) {
        removeValue(for: key)
        if places.count == limit, let oldest, let victim = slots[oldest]?.key {
            removeValue(for: victim)
        }
        let slot = Slot(key: key, value: value)
        let place: Int
        if let reused = free.popLast() {
            slots[reused] = slot
            place = reused
        } else {
            slots.append(slot)
            place = slots.count - 1
        }
        places[key] = place
        linkAsNewest(place)
    }

    mutating func removeValue(for key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        unlink(place)
        slots[place] = nil
        free.append(place)
    }

    private mutating func linkAsNewest(_ place: Int) {
        slots[place]?.older = newest
        slots[place]?.newer = nil
        if let newest { slots[newest]?.newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int) {
        let newer = slots[place]?.newer
        let older = slots[place]?.older
        if let newer { slots[newer]?.older = older } else { newest = older }
        if let older { slots[older]?.newer = newer } else { oldest = newer }
    }
}
