/// The record in PostgreSQL, for one worker: five pipelined connections on its event loop.
///
/// Expansion, settlement and reading have a connection each, so that a large one of one kind never
/// delays the others; so have the pages of audiences, which may be anybody's view and take minutes,
/// and the daily partitions: to see that a day owes nothing takes as long. Every completion is called
/// exactly once, never before the call has returned. An operation that fails with `away` may be asked
/// again as it is: all of them are idempotent.

package import DeliveryCore
package import EventLoop

package final class PostgresStore {
    /// What gives way at each: the transaction fails with `away`.
    package struct Limits: Sendable {
        package var connectTime: Duration = .seconds(10)
        /// Longest wait for the oldest answer of a connection; then the connection is given up.
        package var answerTime: Duration = .seconds(60)
        /// The same of the connection that keeps the daily partitions: a day of 10 million
        /// deliveries is looked through in well under that.
        package var keepingTime: Duration = .seconds(1_800)
        /// The same of the connection that reads audiences.
        package var gatheringTime: Duration = .seconds(600)
        /// Ceiling of the pause between two attempts to connect.
        package var reconnectTime: Duration = .seconds(5)
        package var transactionsInFlight = 64
        package var transactionsWaiting = 4_096
        /// How often daily partitions are made ahead, and how many days.
        package var partitionInterval: Duration = .seconds(3_600)
        package var partitionDays = 7

        package init() {}
    }

    let expanding: Connection
    let flushing: Connection
    let reading: Connection
    let gathering: Connection
    /// Its state is nobody's news: it delivers nothing.
    let keeping: Connection
    private let limits: Limits
    private let availability: Availability
    private var partitionTimer: LoopTimer?

    /// - Parameters:
    ///   - connectionString: what libpq takes (manual 34.1.1): keywords and values, or a URI.
    ///   - random: jitter of the pauses between attempts to connect.
    ///   - onStateChange: whether all connections stand, and why not; called when either changes.
    package init(
        loop: EventLoop, connectionString: String, random: SeededGenerator,
        limits: Limits = Limits(), onStateChange: @escaping (Bool, String) -> Void
    ) {
        self.limits = limits
        let availability = Availability(report: onStateChange)
        self.availability = availability
        var random = random
        func connection(
            _ account: CPUAccount, _ role: Availability.Role? = nil, answersWithin time: Duration
        ) -> Connection {
            var limits = limits
            limits.answerTime = time
            return Connection(
                loop: loop, connectionString: connectionString, limits: limits, account: account,
                random: SeededGenerator(seed: random.next())
            ) { if let role { availability.changed(role, isReady: $0, reason: $1) } }
        }
        expanding = connection(.claim, .expanding, answersWithin: limits.answerTime)
        flushing = connection(.settle, .flushing, answersWithin: limits.answerTime)
        reading = connection(.claim, .reading, answersWithin: limits.answerTime)
        gathering = connection(.claim, .gathering, answersWithin: limits.gatheringTime)
        keeping = connection(.schedule, answersWithin: limits.keepingTime)
        partitionTimer = loop.timer { [unowned self] in keepPartitions() }
    }

    deinit { close() }

    package func open() {
        expanding.open()
        flushing.open()
        reading.open()
        keeping.open()
        gathering.open()
        partitionTimer?.start(after: limits.partitionInterval)
    }

    /// Ends everything that is under way with `away`, at once.
    package func close() {
        partitionTimer?.cancel()
        partitionTimer = nil
        expanding.close()
        flushing.close()
        reading.close()
        keeping.close()
        gathering.close()
    }

    /// Makes the daily partitions up to a week ahead. The store does so by itself once an hour.
    package func ensurePartitions(
        completion: @escaping (Result<Int, StoreFailure>) -> Void
    ) {
        ensurePartitions(on: expanding, completion: completion)
    }

    private func ensurePartitions(
        on connection: Connection, completion: @escaping (Result<Int, StoreFailure>) -> Void
    ) {
        let statement = Statement(
            "select trunkline.ensure_partitions($1)", [.int(Int32(limits.partitionDays))])
        connection.transact([statement]) { result in
            completion(result.map { $0[0].map { Int($0.int()) }[0] })
        }
    }

    private func keepPartitions() {
        ensurePartitions(on: keeping) { [weak self] _ in
            guard let self else { return }
            partitionTimer?.start(after: limits.partitionInterval)
        }
    }
}

/// Four connections seen as one: it stands when all of them do.
private final class Availability {
    enum Role: CaseIterable { case expanding, flushing, reading, gathering }

    private let report: (Bool, String) -> Void
    private var ready: Set<Role> = []
    private var last: (isReady: Bool, reason: String)?

    init(report: @escaping (Bool, String) -> Void) { self.report = report }

    func changed(_ role: Role, isReady: Bool, reason: String) {
        if isReady { ready.insert(role) } else { ready.remove(role) }
        let complete = ready.count == Role.allCases.count
        // Three of four connected is no news: what was missing still is.
        if isReady && !complete { return }
        if let last, last.isReady == complete, complete || last.reason == reason { return }
        last = (complete, reason)
        report(complete, reason)
    }
}
