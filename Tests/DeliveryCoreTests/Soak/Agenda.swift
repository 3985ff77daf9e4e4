import DeliveryCore

/// What will happen in a simulated world, soonest first; what falls together keeps its order.
struct Agenda<Item> {
    private var items: [(time: Instant, number: UInt64, item: Item)] = []
    private var number: UInt64 = 0

    mutating func add(_ item: Item, at time: Instant) {
        number += 1
        // Latest first, so that the soonest is cheap to take.
        var low = 0
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if items[middle].time > time { low = middle + 1 } else { high = middle }
        }
        items.insert((time, number, item), at: low)
    }

    mutating func next() -> (time: Instant, item: Item)? {
        items.popLast().map { ($0.time, $0.item) }
    }
}
