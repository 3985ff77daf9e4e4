import DeliveryCore
import Testing

/// Whose entry is opened next.
@Suite struct UnopenedEntriesTests {
    private var entries = UnopenedEntries()
    private var lastID: UInt64 = 0

    private mutating func add(
        _ activity: ActivityID, sender: UInt64, lane: Lane = .normal, in partition: Int = 0,
        isLeft: Bool = false
    ) {
        lastID += 1
        let id = StreamID(milliseconds: lastID, sequence: 0)
        entries.append(
            UnopenedEntry(
                partition: PartitionNumber(rawValue: partition),
                entry: .fanout(id, activity, to: [11], lane: lane, sender: sender),
                mustBeChecked: isLeft))
    }

    private mutating func addReturned(_ activity: ActivityID, in partition: Int = 0) {
        lastID += 1
        let id = StreamID(milliseconds: lastID, sequence: 0)
        entries.append(
            UnopenedEntry(
                partition: PartitionNumber(rawValue: partition),
                entry: .pointers(id, pointer(activity, 11)), mustBeChecked: false))
    }

    private mutating func drain() -> [ActivityID] {
        var order: [ActivityID] = []
        while let next = entries.popFirst() { order.append(next.entry.oldest) }
        return order
    }

    @Test mutating func `senders take turns, each in its own order`() {
        for activity in [1, 2, 3] as [ActivityID] { add(activity, sender: 1) }
        add(4, sender: 2)
        add(5, sender: 3)
        #expect(drain() == [1, 4, 5, 2, 3])
        #expect(entries.isEmpty)
    }

    @Test mutating func `lanes take turns by their weights`() {
        for activity in 1...40 as ClosedRange<Int64> {
            add(ActivityID(rawValue: activity), sender: 1, lane: .bulk)
            add(ActivityID(rawValue: activity + 100), sender: 1, lane: .urgent)
        }
        let first = drain().prefix(20)
        #expect(first.count { $0.rawValue > 100 } == 16)
        #expect(first.count { $0.rawValue <= 100 } == 4)
    }

    @Test mutating func `what comes back has every other turn`() {
        for activity in [1, 2, 3] as [ActivityID] { add(activity, sender: 1) }
        addReturned(8)
        addReturned(9)
        #expect(drain() == [8, 1, 9, 2, 3])
    }

    @Test mutating func `a sender's later ones wait behind what a former owner left of theirs`() {
        for activity in [1, 2, 3] as [ActivityID] { add(activity, sender: 1, isLeft: true) }
        add(4, sender: 1)
        add(5, sender: 1, lane: .urgent)
        add(6, sender: 2)
        // Not ahead of 3, whoever else has a turn.
        #expect(drain() == [1, 5, 2, 6, 3, 4])
        #expect(entries.isEmpty)
    }

    @Test mutating func `what comes back waits behind what was left in its partition, if newer`() {
        for activity in [3, 5] as [ActivityID] { add(activity, sender: 1, isLeft: true) }
        addReturned(4)
        addReturned(2)
        addReturned(6, in: 1)
        #expect(drain() == [2, 3, 6, 5, 4])
        #expect(entries.isEmpty)
    }

    @Test mutating func `what waits behind what was left does so when another partition leaves`() {
        for activity in [3, 5] as [ActivityID] { add(activity, sender: 1, isLeft: true) }
        add(1, sender: 1, in: 1, isLeft: true)
        addReturned(6)
        entries.removeAll(of: 1)
        #expect(drain() == [3, 5, 6])
    }

    @Test mutating func `what leaves with its partition is not waited for`() {
        add(1, sender: 1, in: 0, isLeft: true)
        add(2, sender: 1, in: 1)
        entries.removeAll(of: 0)
        #expect(drain() == [2])
    }

    @Test mutating func `of some senders only what may be opened is`() {
        add(1, sender: 1)
        add(2, sender: 1)
        add(3, sender: 2)
        let found = entries.popFirst { _, sender in sender.rawValue == 2 }
        #expect(found?.entry.oldest == 3)
        let none = entries.popFirst { _, sender in sender.rawValue == 2 }
        #expect(none.map(\.entry.oldest) == nil)
        #expect(drain() == [1, 2])
    }

    @Test mutating func `what leaves with its partition weighs nothing`() {
        add(1, sender: 1, in: 0)
        add(2, sender: 1, in: 1)
        add(3, sender: 2, in: 0)
        addReturned(4)
        #expect(entries.weight == 3 * 17 + 20)
        entries.removeAll(of: 0)
        #expect(entries.weight == 17)
        #expect(drain() == [2])
    }
}
