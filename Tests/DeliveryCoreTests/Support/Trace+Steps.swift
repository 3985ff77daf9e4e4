import DeliveryCore
import Testing

/// The steps of a delivery's way that a test takes without looking.
extension Trace {
    /// A worker alone in the world that owns everything, reads, and has not caught up yet.
    static func owning(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Trace {
        var trace = Trace(change)
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        for partition in 0..<trace.machine.configuration.partitionCount {
            trace.own(PartitionNumber(rawValue: partition))
        }
        if trace.machine.configuration.partitionCount > 1 {
            // The read of the first one alone is interrupted.
            trace.feed(.logRead([]))
        }
        return trace
    }

    mutating func connect() {
        feed(.redisConnected)
        feed(.postgresConnected)
    }

    /// From the lease asked for to the partition owned.
    @discardableResult
    mutating func own(
        _ partition: PartitionNumber, epoch: Epoch = 1, held: [HeldHost] = [],
        later: [Resolution.Later] = []
    ) -> [Action] {
        feed(.leaseTaken(partition, true))
        feed(.epochTaken(partition, epoch))
        feed(.leaseSealed(partition, epoch, true))
        feed(.examined(partition, .whole(through: .zero)))
        return feed(.backlogLoaded(partition, held, later: later))
            // `later` of the former owner is asked for at once.
            + feed(.dueReleased(partition, moved: 0, next: nil))
    }

    /// The log of one partition answers.
    @discardableResult
    mutating func read(
        _ entries: LogEntry..., from partition: PartitionNumber = 0
    ) -> [Action] {
        feed(.logRead([(partition, entries)]))
    }

    /// Entries are read, and PostgreSQL answers what was asked about them.
    @discardableResult
    mutating func admit(
        _ entries: LogEntry..., from partition: PartitionNumber = 0
    ) -> [Action] {
        let actions = feed(.logRead([(partition, entries)]))
        return actions + actions.preparations.flatMap { answer($0) }
    }

    /// PostgreSQL answers a preparation: it knows everything, and nothing is settled.
    @discardableResult
    mutating func answer(
        _ preparation: (id: PreparationID, request: PreparationRequest),
        settled: [ActivityID: Set<InboxID>] = [:]
    ) -> [Action] {
        feed(.prepared(preparation.id, facts(on: preparation.request, settled: settled)))
    }

    func facts(
        on request: PreparationRequest, settled: [ActivityID: Set<InboxID>] = [:]
    ) -> PreparedFacts {
        var facts = PreparedFacts(activities: [:], inboxes: [:], settled: settled)
        for activity in request.activities {
            facts.activities[activity] =
                activities[activity]
                ?? PreparedFacts.Activity(lane: lane, stored: wall, expires: nil, size: 2_000)
        }
        for inbox in request.inboxes {
            facts.inboxes[inbox] = PreparedFacts.Inbox(
                url: inbox.url, host: inbox.host, hostName: inbox.host.name)
        }
        return facts
    }

    /// A host answers a transmission.
    @discardableResult
    mutating func end(
        _ transmission: Transmission, _ exchange: Exchange, retryAfter: Duration? = nil,
        quota: Quota? = nil
    ) -> [Action] {
        feed(
            .transferFinished(
                transmission.token, exchange, retryAfter: retryAfter, quota: quota,
                duration: .milliseconds(80)))
    }

    /// PostgreSQL commits the last flush that was asked for.
    @discardableResult
    mutating func commit() throws -> [Action] {
        feed(.flushed(try #require(history.flushes.last).id))
    }

    /// Redis carries out the resolutions of these actions.
    @discardableResult
    mutating func resolve(_ actions: [Action]) -> [Action] {
        actions.resolves.flatMap { feed(.resolved($0.lease.partition, $0.id)) }
    }
}
