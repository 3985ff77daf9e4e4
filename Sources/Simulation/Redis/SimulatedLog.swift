package import DeliveryCore

/// A partition's log: entries in the order of their ids, each removed once, from anywhere.
package struct SimulatedLog {
    private var ids: [StreamID] = []
    private var entries: [StreamID: LogEntry] = [:]

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    var deliveries: [Delivery] { entries.values.flatMap(\.deliveries) }

    package subscript(id: StreamID) -> LogEntry? { entries[id] }

    package mutating func append(_ entry: LogEntry) {
        ids.append(entry.id)
        entries[entry.id] = entry
    }

    package mutating func remove(_ id: StreamID) -> LogEntry? {
        defer {
            if ids.count > 64, ids.count > entries.count * 2 {
                ids.removeAll { entries[$0] == nil }
            }
        }
        return entries.removeValue(forKey: id)
    }

    package func read(after cursor: StreamID, count: Int) -> [LogEntry] {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] > cursor { high = middle } else { low = middle + 1 }
        }
        var found: [LogEntry] = []
        while low < ids.count, found.count < count {
            if let entry = entries[ids[low]] { found.append(entry) }
            low += 1
        }
        return found
    }
}
