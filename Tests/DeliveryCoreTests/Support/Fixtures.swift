import DeliveryCore

/// Numbers and names as tests write them. Inbox 23 is the third inbox of host 2: the host is the
/// number without its last digit.
let me: Incarnation = "worker-a"
let other: Incarnation = "worker-b"

extension Incarnation: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(rawValue: value) }
}

extension ActivityID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) { self.init(rawValue: value) }
}

extension InboxID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int32) { self.init(rawValue: value) }

    var host: HostID { HostID(rawValue: rawValue / 10) }
    var url: String { "https://\(host.name)/inbox/\(rawValue)" }
}

extension HostID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int32) { self.init(rawValue: value) }

    var name: String { "h\(rawValue).example" }
}

extension PartitionNumber: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(rawValue: value) }
}

extension Epoch: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) { self.init(rawValue: value) }
}

extension StreamID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: UInt64) { self.init(milliseconds: value, sequence: 0) }
}

extension LogEntry {
    static func fanout(
        _ id: StreamID, _ activity: ActivityID, to inboxes: [InboxID], again: Bool = false,
        lane: Lane = .normal, sender: UInt64 = 0
    ) -> LogEntry {
        LogEntry(
            id: id,
            content: .fanout(
                Fanout(
                    activity: activity, lane: lane, sender: SenderID(rawValue: sender),
                    again: again, inboxes: inboxes)))
    }

    static func pointers(_ id: StreamID, _ pointers: DeliveryPointer...) -> LogEntry {
        LogEntry(id: id, content: .pointers(pointers))
    }
}

func pointer(_ activity: ActivityID, _ inbox: InboxID, attempts: UInt8 = 0) -> DeliveryPointer {
    DeliveryPointer(activity: activity, inbox: inbox, attempts: attempts)
}

extension Job {
    static func create(
        _ name: String = "1", lane: Lane = .normal, key: String = "https://a.example/actor#key"
    ) -> Job {
        Job(
            lane: lane, activity: Array("{\"id\":\"https://a.example/\(name)\"}".utf8),
            activityID: "https://a.example/\(name)", type: "Create",
            actor: "https://a.example/actor", key: key,
            audience: .recipients([Recipient(inbox: InboxID(11).url)]), idempotencyKey: name,
            orderingKey: name)
    }
}

extension ArrivedEntry {
    static func job(_ id: StreamID, lane: Lane = .normal) -> ArrivedEntry {
        ArrivedEntry(lane: lane, id: id, content: .success(.create("\(id)", lane: lane)))
    }

    static func malformed(_ id: StreamID, lane: Lane = .normal) -> ArrivedEntry {
        ArrivedEntry(
            lane: lane, id: id,
            content: .failure(Rejection(code: "not-json", reason: "the activity is not JSON")))
    }
}

extension ArrivedEntry {
    /// Something about an object that may have a life already.
    static func following(
        _ id: StreamID, object: String = "https://a.example/notes/o1", lane: Lane = .normal
    ) -> ArrivedEntry {
        var job = Job.create("\(id)", lane: lane)
        job.type = "Update"
        job.orderingKey = object
        job.mayFollow = true
        return ArrivedEntry(lane: lane, id: id, content: .success(job))
    }
}

extension ExpansionResult {
    static func stored(
        _ activity: ActivityID, routes: [(PartitionNumber, [InboxID])], again: Bool = false,
        lane: Lane = .normal
    ) -> ExpansionResult {
        var all = Routes()
        for (partition, inboxes) in routes {
            for inbox in inboxes { all.add(inbox, to: partition) }
        }
        return .stored(Stored(activity: activity, lane: lane, routes: all, again: again))
    }
}

extension Exchange {
    static func status(_ status: Int, excerpt: String = "") -> Exchange {
        .answered(Answer(status: status, excerpt: Array(excerpt.utf8)))
    }
}
