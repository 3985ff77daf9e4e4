internal import DeliveryCore

/// The few places where the twins know the shapes that pass between the machine and its adapters.

/// What Redis keeps beside a host's backlog.
typealias KeptState = WallTime

extension Resolution {
    var statesOfHosts: [(HostID, KeptState)] { suspensions.map { ($0.host, $0.until) } }
}

extension HeldHost {
    init(_ host: HostID, _ state: KeptState?, held: Int) {
        self.init(host: host, suspendedUntil: state, held: held)
    }
}

extension Event {
    static func released(
        _ partition: PartitionNumber, _ host: HostID, as entry: StreamID?, moved: Int,
        remaining: Int
    ) -> Event {
        .released(partition, host, moved: moved, remaining: remaining)
    }
}

extension SimulatedPostgres.Activity {
    var facts: PreparedFacts.Activity {
        PreparedFacts.Activity(lane: lane, stored: stored, expires: expires, size: 1_000)
    }
}

extension SimulatedPostgres {
    func facts(of inbox: InboxID) -> PreparedFacts.Inbox {
        PreparedFacts.Inbox(url: inbox.url, host: inbox.host, hostName: inbox.host.name)
    }

    mutating func record(_ batch: FlushBatch) {}
}
