/// One row of the table: something goes wrong under load, and what that may cost.
package struct Fault: Sendable {
    /// As the command takes it.
    package let name: String
    /// What happens, in the table's first column.
    package let what: String
    var setting = Setting()
    /// What may be sent twice; asked at the end, when it is known how often it happened.
    let bound: @Sendable (Trial) -> Int
    /// From the fault until the sink takes the first delivery of what was affected; nil: any time.
    var resendLimit: Duration?
    /// The same of the tests, which share their machine with whatever else it does.
    var shortResendLimit: Duration?
    var promise: Promise = .acknowledged
    let apply: @Sendable (Trial) throws -> Void

    /// Which deliveries must not be lost.
    enum Promise {
        /// Those of every entry that Redis has acknowledged.
        case acknowledged
        /// Those of every activity that is on record: Redis itself lost what it had.
        case expanded
    }

    /// Servers and pools that it starts with.
    struct Setting: Sendable {
        var pools = 1
        var workers = 2
        /// Exchanges under way per worker.
        var slots = 250
        var redis = Redis.alone
        var postgres = Postgres.alone
        /// A file system of its own for PostgreSQL, of so many MB.
        var postgresMegabytes: Int?
        /// Network namespaces, one for each pool in turn; none: all live in ours.
        var machines = 0
        /// Answers take their time, so that there is always something in flight.
        var rules = #"{"host": "*", "delay": [5, 50]}"#

        enum Redis {
            case alone
            /// By three sentinels, with a replica.
            case watched
            /// Of three primaries, each with a replica or without.
            case cluster(replicas: Bool)
        }

        enum Postgres {
            case alone
            /// A primary and its synchronous standby.
            case pair
        }
    }

    /// It plays machines, or mounts a file system.
    package var needsRoot: Bool { setting.machines > 0 || setting.postgresMegabytes != nil }

    /// How much of it is tried.
    package enum Length: Sendable {
        /// For every change of the code: seconds.
        case short
        /// For an operator who wants to know.
        case long(kills: Int)

        var isShort: Bool { if case .short = self { true } else { false } }
    }

    /// It cannot be tried on this machine.
    struct Skipped: Error {
        /// For the table.
        let reason: String
        /// What the machine said.
        let words: String
    }
}

/// What came of it.
package struct FaultRow: Sendable {
    package let fault: String
    package var deliveries = 0
    package var lost = 0
    package var duplicates = 0
    package var bound = 0
    package var resends: [Duration] = []
    /// What went wrong, in words; none: it passed.
    package var complaints: [String] = []
    package var remarks: [String] = []
    /// Why it could not be tried here.
    package var skipped: String?

    package enum Verdict {
        case passed
        case failed
        /// Neither: nobody knows.
        case skipped
    }

    package var verdict: Verdict {
        if !complaints.isEmpty { return .failed }
        return skipped == nil ? .passed : .skipped
    }

    package init(fault: String) { self.fault = fault }
}
