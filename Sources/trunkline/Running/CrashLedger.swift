internal import DeliveryCore
internal import Dispatch
internal import Glibc
internal import Logging
internal import PostgresStore
internal import Supervision
internal import Synchronization
internal import Telemetry

/// Puts what workers crashed with on record: at once, or when PostgreSQL is back.
///
/// libpq blocks, so all of it happens on a queue of its own.
final class CrashLedger: Sendable {
    /// Crashes that wait for PostgreSQL. A worker that keeps crashing does so every 30 s, and none
    /// gets anything in hand while PostgreSQL is away; beyond this they are logged and not counted.
    static let limit = 256
    /// How long `record` waits; then the partitions of the dead are given to others all the same.
    static let patience: Duration = .seconds(5)
    static let retryPause: Duration = .seconds(1)

    private struct State {
        var waiting: [WorkerCrash] = []
        var isRetrying = false
        var metrics = Metrics()
    }

    private let database: String
    private let log: Logger
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "trunkline.crashes")

    init(database: String, log: Logger) {
        self.database = database
        self.log = log
    }

    /// What was set aside, as this supervisor has counted it.
    func add(to metrics: inout Metrics) {
        for kind in QuarantinedKind.allCases {
            metrics.increment(
                .quarantined(kind), by: Int(state.withLock { $0.metrics[.quarantined(kind)] }))
        }
    }

    /// How many crashes PostgreSQL does not have yet.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Returns when it is on record, or when that takes too long: then it goes on without the caller.
    func record(_ crash: WorkerCrash) async {
        guard let item = crash.item else {
            return log.error("worker \(crash.slot) crashed in stage \(crash.stage.name)")
        }
        log.error("worker \(crash.slot) crashed in stage \(crash.stage.name) with \(item)")
        let isKept = state.withLock { state in
            guard state.waiting.count < Self.limit else { return false }
            state.waiting.append(crash)
            return true
        }
        guard isKept else {
            return log.error(
                "\(Self.limit) crashes wait for PostgreSQL already: that of \(item) is not counted")
        }
        await withCheckedContinuation { continuation in
            let answer = FirstAnswer(continuation)
            queue.async {
                self.write()
                answer.give()
            }
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience.dispatchInterval) {
                answer.give()
            }
        }
    }

    /// On the queue. What fails stays in its place, and is tried again.
    private func write() {
        guard waitingCount > 0 else { return }
        do throws(StoreFailure) {
            let database = try Database(connectionString: database)
            while let crash = state.withLock({ $0.waiting.first }) {
                try note(crash, in: database)
                state.withLock { _ = $0.waiting.removeFirst() }
            }
        } catch {
            retry(after: error)
        }
    }

    private func note(_ crash: WorkerCrash, in database: Database) throws(StoreFailure) {
        guard let item = crash.item else { return }
        let count = try database.noteCrash(
            of: item, stage: crash.stage.name, signal: signalName(crash.signal),
            by: crash.incarnation)
        guard let count else { return }
        if count.crashes >= Quarantine.crashLimit, !count.isQuarantined {
            log.error(
                """
                \(item) is not set aside, although \(count.crashes) workers crashed with it in hand: \
                \(Quarantine.hourlyLimit) items were within the hour, so the fault is the workers' \
                own. What was changed on this machine?
                """)
        }
        // Not with the fourth, which a worker that had it open already may add.
        guard count.isNew else { return }
        state.withLock { $0.metrics.increment(.quarantined(QuarantinedKind(item))) }
        log.error(
            """
            \(item) is set aside: \(count.crashes) workers crashed with it in hand; `trunkline \
            quarantine` lists it
            """)
    }

    private func retry(after failure: StoreFailure) {
        let isNews = state.withLock { state in
            defer { state.isRetrying = true }
            return !state.isRetrying
        }
        guard isNews else { return }
        log.warning("a crash cannot be put on record, will be tried again: \(failure)")
        scheduleRetry()
    }

    private func scheduleRetry() {
        queue.asyncAfter(deadline: .now() + Self.retryPause.dispatchInterval) { [weak self] in
            guard let self else { return }
            self.write()
            if self.waitingCount > 0 { return self.scheduleRetry() }
            self.state.withLock { $0.isRetrying = false }
        }
    }
}

/// Resumes once, whoever comes first.
private final class FirstAnswer: Sendable {
    private let continuation: Mutex<CheckedContinuation<Void, Never>?>

    init(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation = Mutex(continuation)
    }

    func give() {
        let first = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        first?.resume()
    }
}

extension Duration {
    fileprivate var dispatchInterval: DispatchTimeInterval {
        .milliseconds(Int(wholeMilliseconds))
    }
}

/// As `kill -l` has it: of those that are faults.
private func signalName(_ signal: Int32) -> String {
    switch signal {
    case SIGSEGV: "SIGSEGV"
    case SIGABRT: "SIGABRT"
    case SIGILL: "SIGILL"
    case SIGTRAP: "SIGTRAP"
    case SIGBUS: "SIGBUS"
    case SIGFPE: "SIGFPE"
    default: "signal \(signal)"
    }
}
