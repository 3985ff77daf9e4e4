/// A hash table of positions into an array that somebody else keeps.
///
/// Open addressing with linear probing over 4-byte slots, at most two thirds full: 6 to 12 bytes
/// an element, where a `Dictionary` would store the key once more. Nothing is ever removed.
struct CompactIndex {
    /// Position + 1; 0 is free. The count of slots is a power of two.
    private var slots: [UInt32]
    private(set) var count = 0

    init() { slots = Array(repeating: 0, count: 64) }

    /// The position among those of this hash that `matches`.
    func position(hash: Int, matches: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var slot = hash & mask
        while slots[slot] != 0 {
            let position = Int(slots[slot]) - 1
            if matches(position) { return position }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a position that is not in yet; `hashOf` gives the hash of any position when it grows.
    mutating func insert(_ position: Int, hash: Int, hashOf: (Int) -> Int) {
        if (count + 1) * 3 > slots.count * 2 {
            let old = slots
            slots = Array(repeating: 0, count: old.count * 2)
            for entry in old where entry != 0 { place(entry, hash: hashOf(Int(entry) - 1)) }
        }
        place(UInt32(position + 1), hash: hash)
        count += 1
    }

    private mutating func place(_ entry: UInt32, hash: Int) {
        let mask = slots.count - 1
        var slot = hash & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = entry
    }
}
