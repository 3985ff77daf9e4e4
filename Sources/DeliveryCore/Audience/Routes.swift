/// An expanded audience, cut into the log entries of its partitions.
package struct Routes: Equatable, Sendable {
    private var inboxes: [PartitionNumber: [InboxID]] = [:]

    package init() {}

    package var isEmpty: Bool { inboxes.isEmpty }

    package mutating func add(_ inbox: InboxID, to partition: PartitionNumber) {
        inboxes[partition, default: []].append(inbox)
    }

    /// The entries, by partition; each holds at most ``LogEntry/inboxLimit`` ids, ascending.
    package func entries(
        activity: ActivityID, lane: Lane, sender: SenderID = .unknown, again: Bool
    ) -> [(PartitionNumber, Fanout)] {
        var entries: [(PartitionNumber, Fanout)] = []
        for (partition, unsorted) in inboxes.sorted(by: { $0.key < $1.key }) {
            let ids = Set(unsorted).sorted()
            for start in stride(from: 0, to: ids.count, by: LogEntry.inboxLimit) {
                let part = Array(ids[start..<min(start + LogEntry.inboxLimit, ids.count)])
                let fanout = Fanout(
                    activity: activity, lane: lane, sender: sender, again: again, inboxes: part)
                entries.append((partition, fanout))
            }
        }
        return entries
    }
}
