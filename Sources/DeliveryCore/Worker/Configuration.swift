/// The limits of one worker, each with what gives way at it.
package struct WorkerConfiguration: Equatable, Sendable {
    /// Transfers in flight; further deliveries wait in their host's queue.
    package var slots: Int
    /// The largest window of a host: transfers, and so connections, to it at once.
    package var hostWindow = 16
    /// Percent of the slots that only urgent deliveries may take.
    package var urgentPercent = 10
    /// Percent of the slots for hosts that have not answered since they failed, or ever.
    package var suspectPercent = 25
    /// Percent of the slots for probes of hosts whose circuit is open.
    package var probePercent = 5
    /// Open deliveries; at the limit entries that were read wait as they are. An eighth more may be
    /// opened of urgent ones, and of senders that have little open.
    package var openLimit: Int
    /// Deliveries in entries that wait, four bytes each; at the limit no more of the log is read.
    package var readAheadLimit = 524_288
    /// Deliveries that are prepared together: bounds one answer of PostgreSQL.
    package var preparationLimit = 4_096
    /// Activities whose bodies are being loaded, at which no further entry is opened; the last
    /// one may exceed it by 511.
    package var loadingLimit = 256
    /// Bytes of open activities' bodies; at the limit nothing more is opened.
    package var openByteLimit = 64 << 20
    /// Transmissions that wait to be signed; at the limit no more are chosen, so that whose turn
    /// comes next does not wait behind them. The worker says when they are signed.
    package var unsignedLimit = Int.max
    /// Entries per partition and read.
    package var readCount = 4
    /// Intake entries in hand; at the limit no more intake is read.
    package var intakeLimit = 256
    package var intakeReadCount = 128
    /// Activities in one expansion (one PostgreSQL transaction).
    package var expansionLimit = 128
    /// Recipients in one expansion, a named audience counted as a quarter of them, and bytes of its
    /// activities; the job that reaches either is the last one of its batch.
    package var expansionRecipientLimit = 4_000
    package var expansionByteLimit = 16 << 20
    /// How long a job waits behind its predecessors until it asks for them again: at first, and at
    /// most, twice as long each time.
    package var followerPause: ClosedRange<Duration> = .milliseconds(20) ... .milliseconds(250)
    /// Results that make a flush due at once, and how long fewer may wait.
    package var flushCount = 500
    package var flushDelay: Duration = .milliseconds(100)
    /// Results not yet committed; at the limit nothing more is sent. So it bounds,
    /// with what is in flight, what a kill while PostgreSQL is away can cause to be sent twice.
    package var unsettledLimit = 10_000
    /// Longest an id may wait in memory for its host before it is held in Redis.
    package var queueTime: Duration = .seconds(30)
    /// Attempts go on this long after an activity was stored; then it is a dead letter.
    package var retryBudget = RetryBudget()
    package var leaseTime: Duration = .seconds(15)
    package var renewInterval: Duration = .seconds(5)
    package var heartbeatInterval: Duration = .seconds(1)
    /// Wait before an operation that PostgreSQL or Redis refused is tried again.
    package var retryPause: Duration = .milliseconds(500)
    /// Pointers that one `release` brings back from a held queue or from `later`.
    package var releaseCount = 64
    /// Waiting time of a delivery whose key vanished after it was routed.
    package var missingKeyDelay: Duration = .seconds(60)
    /// Between two passes over what is owed, between two of its pages, and until a page is looked at
    /// once more in which something seems to be lost.
    package var stocktakingInterval: Duration = .seconds(300)
    package var stocktakingPause: Duration = .seconds(2)
    package var stocktakingRecheck: Duration = .seconds(10)
    package var partitionCount = 64

    /// With as many open deliveries at least that what waits can take each slot that comes free.
    package init(slots: Int = 1_000) {
        self.slots = slots
        openLimit = max(8_192, 2 * slots)
    }
}

extension WorkerConfiguration {
    var urgentSlots: Int { slots * urgentPercent / 100 }
    /// Beyond the open limit.
    package var openReserve: Int { openLimit / 8 }
    /// A sender with fewer deliveries open may take of the reserve.
    var lightSenderLimit: Int { max(openLimit / 64, 1) }
    var suspectSlots: Int { max(slots * suspectPercent / 100, 1) }
    var probeSlots: Int { max(slots * probePercent / 100, 1) }
}
