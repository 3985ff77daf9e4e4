internal import DeliveryCore

/// One sender's posts as they stand in the logs, and what PostgreSQL knows of them and their inboxes.
struct Fediverse {
    /// Inboxes of a host follow each other; partitions have its hosts in turns.
    private static let inboxesPerHost: Int32 = 1_024
    private static let partitionCount = WorkerConfiguration().partitionCount
    private static let sender = SenderID(rawValue: 0x5EED)

    private var lastActivity: Int64 = 0
    private var lastEntry: UInt64 = 0

    /// An activity to as many inboxes of each host as it is named.
    mutating func post(to hosts: [HostID]) -> [(PartitionNumber, [LogEntry])] {
        lastActivity += 1
        var counts: [HostID: Int32] = [:]
        var inboxes: [PartitionNumber: [InboxID]] = [:]
        for host in hosts {
            let count = counts[host, default: 0]
            counts[host] = count + 1
            let inbox = InboxID(rawValue: host.rawValue * Self.inboxesPerHost + count)
            inboxes[Self.partition(of: host), default: []].append(inbox)
        }
        return inboxes.sorted { $0.key < $1.key }.map { ($0, entries(to: $1.sorted())) }
    }

    private mutating func entries(to inboxes: [InboxID]) -> [LogEntry] {
        stride(from: 0, to: inboxes.count, by: LogEntry.inboxLimit).map { start in
            lastEntry += 1
            return LogEntry(
                id: StreamID(milliseconds: lastEntry, sequence: 0),
                content: .fanout(
                    Fanout(
                        activity: ActivityID(day: 20_000, sequence: lastActivity), lane: .normal,
                        sender: Self.sender, again: false,
                        inboxes: Array(inboxes[start...].prefix(LogEntry.inboxLimit)))))
        }
    }

    static func facts(on request: PreparationRequest, wall: WallTime) -> PreparedFacts {
        var facts = PreparedFacts(activities: [:], inboxes: [:], settled: [:])
        for activity in request.activities {
            facts.activities[activity] = PreparedFacts.Activity(
                lane: .normal, stored: wall, expires: nil, size: SampleActivity.byteCount,
                sender: sender, order: OrderKey(rawValue: UInt64(activity.rawValue)),
                kind: .revision)
        }
        for inbox in request.inboxes {
            let host = HostID(rawValue: inbox.rawValue / inboxesPerHost)
            let name = "h\(host.rawValue).fedi.localhost"
            facts.inboxes[inbox] = PreparedFacts.Inbox(
                url: "https://\(name)/users/u\(inbox.rawValue)/inbox", host: host, hostName: name,
                hostCondition: HostCondition(lastSuccess: wall))
        }
        return facts
    }

    static func host(named name: String) -> HostID {
        guard let number = Int32(name.dropFirst().prefix { $0 != "." }) else {
            preconditionFailure("\(name) is none of ours")
        }
        return HostID(rawValue: number)
    }

    private static func partition(of host: HostID) -> PartitionNumber {
        PartitionNumber(rawValue: Int(host.rawValue) % partitionCount)
    }
}
