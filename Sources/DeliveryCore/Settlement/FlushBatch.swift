/// What one flush writes to PostgreSQL, in one transaction.
package struct FlushBatch: Equatable, Sendable {
    /// Checked first: a worker that has lost one of these writes nothing.
    package var fences: [OwnedLease] = []
    package var outcomes: [Outcome] = []
    package var attempts: [Attempt] = []
    package var failures: [Failure] = []
    package var hosts: [HostReport] = []
    /// Inboxes that had answered 404 or 410 lately and took this delivery.
    package var revivedInboxes: [InboxID] = []

    /// Deliveries of one activity that ended the same way: one row, whatever their partitions.
    package struct Outcome: Equatable, Sendable {
        package var activity: ActivityID
        package var state: OutcomeState
        /// Of one of the partitions: a trace for people, the fences are what protects.
        package var epoch: Epoch
        package var inboxes: [InboxID]
    }

    /// One attempt worth remembering: a failure or a retry.
    package struct Attempt: Equatable, Sendable {
        package var activity: ActivityID
        package var inbox: InboxID
        package var at: WallTime
        package var number: Int
        package var reason: String
        package var status: Int?
        package var duration: Duration
        package var detail: String
        package var excerpt: [UInt8]
    }

    /// A delivery that was given up: a dead letter.
    package struct Failure: Equatable, Sendable {
        package var activity: ActivityID
        package var inbox: InboxID
        package var reason: String
        package var status: Int?
        package var detail: String
    }

    /// A change in what is known of a host.
    package struct HostReport: Equatable, Sendable {
        package enum State: String, Sendable { case closed, open, dead }

        package var host: HostID
        package var partition: PartitionNumber
        package var state: State
        /// Transfers it may have at once.
        package var window: Double
        package var condition: HostCondition
    }

    package init() {}
}

/// How a delivery ended without being a dead letter.
package enum OutcomeState: String, Sendable, CaseIterable {
    case delivered
    /// A later Delete made it pointless.
    case superseded
    case expired
    /// Its host is blocked or dead.
    case dropped
}
