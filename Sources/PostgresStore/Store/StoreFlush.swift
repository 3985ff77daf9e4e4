/// What one flush writes, in one transaction.
///
/// The rows are kept in arrays of columns' worth of structs, and a flush can be cut into parts: so
/// a row that PostgreSQL rejects is found without losing the others.

package import DeliveryCore

package struct StoreFlush: Equatable, Sendable {
    /// With `sequence` the name of the flush: one that is repeated keeps both, and changes nothing
    /// if its commit went through the first time.
    package var worker: Incarnation
    package var sequence: Int64
    /// Checked first, and locked until the commit.
    package var fences: [OwnedLease] = []
    package var outcomes: [Outcome] = []
    package var failures: [Failure] = []
    package var hosts: [HostUpdate] = []
    /// Inboxes that took a delivery after they had answered 404 or 410: all is forgiven.
    package var revivedInboxes: [InboxID] = []
    package var attempts: [Attempt] = []

    package struct Outcome: Equatable, Sendable {
        package var activity: ActivityID
        package var state: OutcomeState
        package var inboxes: [InboxID]
        package var epoch: Epoch

        package init(
            activity: ActivityID, state: OutcomeState, inboxes: [InboxID], epoch: Epoch
        ) {
            self.activity = activity
            self.state = state
            self.inboxes = inboxes
            self.epoch = epoch
        }
    }

    /// One attempt worth remembering.
    package struct Attempt: Equatable, Sendable {
        package var activity: ActivityID
        package var inbox: InboxID
        /// When it ended. A part of the row's key, so a repeated flush must repeat it.
        package var at: WallTime
        package var number: Int
        package var reason: String
        package var status: Int?
        package var duration: Duration
        package var detail: String
        package var excerpt: [UInt8]

        package init(
            activity: ActivityID, inbox: InboxID, at: WallTime, number: Int, reason: String,
            status: Int?, duration: Duration, detail: String, excerpt: [UInt8]
        ) {
            self.activity = activity
            self.inbox = inbox
            self.at = at
            self.number = number
            self.reason = reason
            self.status = status
            self.duration = duration
            self.detail = detail
            self.excerpt = excerpt
        }
    }

    /// A dead letter.
    package struct Failure: Equatable, Sendable {
        package var activity: ActivityID
        package var inbox: InboxID
        package var reason: String
        package var status: Int?
        package var detail: String

        package init(
            activity: ActivityID, inbox: InboxID, reason: String, status: Int?, detail: String
        ) {
            self.activity = activity
            self.inbox = inbox
            self.reason = reason
            self.status = status
            self.detail = detail
        }
    }

    /// A host as it stands now; replaces the row. Of two for one host the last counts.
    package struct HostUpdate: Equatable, Sendable {
        package var host: HostID
        /// `closed`, `open`, `dead`.
        package var state: String
        package var concurrencyWindow: Double?
        /// Without a last success the one on record stays.
        package var condition: HostCondition

        package init(
            host: HostID, state: String, concurrencyWindow: Double? = nil,
            condition: HostCondition = HostCondition()
        ) {
            self.host = host
            self.state = state
            self.concurrencyWindow = concurrencyWindow
            self.condition = condition
        }
    }

    package init(worker: Incarnation, sequence: Int64) {
        self.worker = worker
        self.sequence = sequence
    }
}

extension StoreFlush {
    var rowCount: Int {
        outcomes.count + failures.count + hosts.count + revivedInboxes.count + attempts.count
    }

    /// Outcomes of one activity and state as one row, as the table's key wants it; each host and
    /// each dead letter once (PostgreSQL refuses to touch a row twice in one statement).
    var merged: StoreFlush {
        var merged = self
        var rows: [OutcomeKey: Int] = [:]
        merged.outcomes = []
        for outcome in outcomes {
            let key = OutcomeKey(activity: outcome.activity, state: outcome.state)
            if let row = rows[key] {
                merged.outcomes[row].inboxes += outcome.inboxes
                merged.outcomes[row].epoch = max(merged.outcomes[row].epoch, outcome.epoch)
            } else {
                rows[key] = merged.outcomes.count
                merged.outcomes.append(outcome)
            }
        }
        for row in merged.outcomes.indices {
            merged.outcomes[row].inboxes = Set(merged.outcomes[row].inboxes).sorted()
        }
        merged.hosts = Dictionary(hosts.map { ($0.host, $0) }) { $1 }.values
            .sorted { $0.host < $1.host }
        merged.failures = Dictionary(
            failures.map { (Delivery(activity: $0.activity, inbox: $0.inbox), $0) }
        ) { $1 }.values.sorted { ($0.activity, $0.inbox) < ($1.activity, $1.inbox) }
        merged.revivedInboxes = Set(revivedInboxes).sorted()
        return merged
    }

    /// The rows of this range, counted over outcomes, failures, hosts, revived inboxes and attempts
    /// in this order; the fences and the name stay.
    func part(_ range: Range<Int>) -> StoreFlush {
        var part = self
        var start = 0
        func cut<Row>(_ rows: inout [Row]) {
            let count = rows.count
            let lower = min(max(range.lowerBound - start, 0), count)
            let upper = min(max(range.upperBound - start, 0), count)
            start += count
            if upper - lower < count { rows = Array(rows[lower..<upper]) }
        }
        cut(&part.outcomes)
        cut(&part.failures)
        cut(&part.hosts)
        cut(&part.revivedInboxes)
        cut(&part.attempts)
        return part
    }

    /// Names the one row of a part of one row, for people.
    var rowDescription: String {
        if let row = outcomes.first {
            return "\(row.state.rawValue) of activity \(row.activity.rawValue), "
                + "\(row.inboxes.count) inboxes"
        }
        if let row = failures.first {
            return "failure of activity \(row.activity.rawValue) at inbox \(row.inbox.rawValue)"
        }
        if let row = hosts.first { return "state of host \(row.host.rawValue)" }
        if let row = revivedInboxes.first { return "inbox \(row.rawValue) revived" }
        if let row = attempts.first {
            return "attempt of activity \(row.activity.rawValue) at inbox \(row.inbox.rawValue)"
        }
        return "nothing"
    }

    private struct OutcomeKey: Hashable {
        var activity: ActivityID
        var state: OutcomeState
    }

    private struct Delivery: Hashable {
        var activity: ActivityID
        var inbox: InboxID
    }
}

/// What became of a flush.
package struct FlushResult: Equatable, Sendable {
    /// Rows that PostgreSQL can never take, with its reason; everything else is written. An
    /// attempt or a host's state is a loss of detail; an outcome or a failure stays owed.
    package var quarantined: [String]

    package init(quarantined: [String] = []) { self.quarantined = quarantined }
}
