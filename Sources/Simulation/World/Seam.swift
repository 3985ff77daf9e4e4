internal import DeliveryCore

/// The few places where the twins know the shapes that pass between the machine and its adapters.

/// What Redis keeps beside a host's backlog.
typealias KeptState = HostCondition

extension Resolution {
    /// As they come out of Redis again, which keeps them as text.
    var statesOfHosts: [(HostID, KeptState)] {
        hostStates.map { ($0.host, HostCondition(text: $0.condition.text)) }
    }
}

extension HeldHost {
    init(_ host: HostID, _ state: KeptState, held: Int) {
        self.init(host: host, condition: state, held: held)
    }
}

extension Event {
    static func released(
        _ partition: PartitionNumber, _ host: HostID, as entry: StreamID?, moved: Int,
        remaining: Int
    ) -> Event {
        .released(partition, host, entry, remaining: remaining)
    }
}

extension SimulatedPostgres.Activity {
    var facts: PreparedFacts.Activity {
        PreparedFacts.Activity(
            lane: lane, stored: stored, expires: expires, size: 1_000,
            sender: SenderID(rawValue: UInt64(sender)),
            order: OrderKey(rawValue: orderingKey &+ UInt64(sender) &* 0x9E37_79B9_7F4A_7C15),
            kind: kind.asSeenByTheMachine, mayFollow: kind.mayFollow)
    }
}

extension TrafficKind {
    var isRevision: Bool { asSeenByTheMachine == .revision }
    /// Its object has a life already.
    var mayFollow: Bool { self == .update || self == .delete }

    fileprivate var asSeenByTheMachine: ActivityKind {
        switch self {
        case .create, .update: .revision
        case .delete: .deletion
        case .note, .poison: .other
        }
    }
}

extension SimulatedPostgres {
    /// nil: no activity was ever for it.
    func facts(of inbox: InboxID) -> PreparedFacts.Inbox? {
        guard inboxes.contains(inbox) else { return nil }
        return PreparedFacts.Inbox(
            url: inbox.url, host: inbox.host, hostName: inbox.host.name,
            hasStrikes: struck.contains(inbox),
            hostCondition: hostConditions[inbox.host] ?? HostCondition())
    }

    mutating func record(_ batch: FlushBatch) {
        for report in batch.hosts {
            var condition = report.condition
            // Without a last success the one on record stays.
            if condition.lastSuccess == nil {
                condition.lastSuccess = hostConditions[report.host]?.lastSuccess
            }
            hostConditions[report.host] = condition
        }
        struck.subtract(batch.revivedInboxes)
    }
}
