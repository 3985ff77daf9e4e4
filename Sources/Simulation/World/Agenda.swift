package import DeliveryCore
internal import HeapModule

/// What will happen in a simulated world, soonest first; what falls together keeps its order.
package struct Agenda<Item> {
    private struct Mark: Comparable {
        var time: Instant
        var number: UInt64
        var place: Int

        static func < (left: Mark, right: Mark) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }
    }

    // The heap moves small marks; the items, some of them large, stay where they are.
    private var marks = Heap<Mark>()
    private var items: [Item?] = []
    private var free: [Int] = []
    private var number: UInt64 = 0

    package init() {}

    package var count: Int { marks.count }

    package mutating func add(_ item: Item, at time: Instant) {
        number += 1
        let place: Int
        if let last = free.popLast() {
            place = last
            items[place] = item
        } else {
            place = items.count
            items.append(item)
        }
        marks.insert(Mark(time: time, number: number, place: place))
    }

    package mutating func next() -> (time: Instant, item: Item)? {
        guard let mark = marks.popMin(), let item = items[mark.place].take() else { return nil }
        free.append(mark.place)
        return (mark.time, item)
    }
}
