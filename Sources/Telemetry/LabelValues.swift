/// The values that labels take. The words are a contract with dashboards.

package import DeliveryCore

package enum DeliveryEnd: String, CaseIterable, Sendable {
    case delivered, failed, expired, dropped, superseded

    package init(_ state: OutcomeState) {
        switch state {
        case .delivered: self = .delivered
        case .superseded: self = .superseded
        case .expired: self = .expired
        case .dropped: self = .dropped
        }
    }
}

/// What one exchange counts as: its verdict, or, without an answer, the failure.
package enum AttemptClass: Hashable, CaseIterable, Sendable {
    case delivered, retry, hold, failed
    /// Sent again at once: signed the other way, or on a new connection.
    case knockAgain, reconnect
    case transport(TransportFailure)

    package static let allCases: [AttemptClass] =
        [.delivered, .retry, .hold, .failed, .knockAgain, .reconnect]
        + TransportFailure.allCases.map { .transport($0) }

    package init(_ exchange: Exchange, _ verdict: Verdict) {
        if case .failed(let failure, _) = exchange {
            self = .transport(failure)
            return
        }
        switch verdict.item {
        case .delivered: self = .delivered
        case .knockAgain: self = .knockAgain
        case .reconnect: self = .reconnect
        case .retry: self = .retry
        case .hold: self = .hold
        case .failed: self = .failed
        }
    }

    var name: String {
        switch self {
        case .delivered: "delivered"
        case .retry: "retry"
        case .hold: "hold"
        case .failed: "failed"
        case .knockAgain: "knock-again"
        case .reconnect: "reconnect"
        case .transport(let failure): failure.rawValue
        }
    }

    var index: Int {
        switch self {
        case .delivered: 0
        case .retry: 1
        case .hold: 2
        case .failed: 3
        case .knockAgain: 4
        case .reconnect: 5
        case .transport(let failure): 6 + Self.transportIndex[failure, default: 0]
        }
    }

    private static let transportIndex = Dictionary(
        uniqueKeysWithValues: zip(TransportFailure.allCases, 0...))
}

package enum SigningAlgorithm: String, CaseIterable, Sendable { case rsa, ed25519 }

package enum ConnectionUse: String, CaseIterable, Sendable { case opened, reused }

package enum LookupResult: String, CaseIterable, Sendable {
    case found
    case notFound = "not-found"
    case unavailable
}

package enum MessageLevel: String, CaseIterable, Sendable { case info, warning, error }

/// How a worker ended that had not been asked to.
package enum WorkerDeath: String, CaseIterable, Sendable {
    case exited
    case killed
    /// By a signal that its own fault raised: SEGV, ABRT, ILL, BUS, FPE.
    case crashed
}

/// What is set aside after too many crashes.
package enum QuarantinedKind: String, CaseIterable, Sendable {
    case activity
    /// Of the intake.
    case entry

    package init(_ item: WorkItem) {
        switch item {
        case .activity: self = .activity
        case .entry: self = .entry
        }
    }
}

/// The codes of rejected intake entries.
///
/// A code is any word to the parser; one that stands not here counts as `other`, so that a new one
/// costs no series until it is named.
enum RejectionIndex {
    static let codes = [
        "unknown-field", "duplicate-field", "missing-field", "conflicting-fields",
        "invalid-field", "not-utf8", "too-large", "not-json", "too-deep", "wrong-kind",
        "unknown-member", "duplicate-member", "missing-member", "invalid-member",
        "private-addressing", "no-recipients", "too-many-recipients", "no-usable-recipient",
        "refused-by-postgresql", "quarantined", "other",
    ]

    static func index(of code: String) -> Int {
        codes.firstIndex(of: code) ?? codes.count - 1
    }
}

/// What a worker spends CPU time on.
package enum CPUStage: String, CaseIterable, Sendable {
    /// Asking the kernel what has happened.
    case poll
    /// From the intake to a delivery that can be scheduled.
    case claim
    case schedule, sign, send, settle
}
