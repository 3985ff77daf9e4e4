/// The outcome table: the one place that says what a status or a failure means.
///
/// 4xx says something about this activity at this inbox, never that the host is down; 5xx and
/// failures below HTTP may pass. Source: RFC 9110 section 15, and what fediverse servers really
/// answer (a receiver that cannot fetch our key says 401 or 403 and means "later").
package struct Judge: Sendable {
    /// What is known of the delivery when its exchange ends.
    package struct Circumstances: Equatable, Sendable {
        /// Earlier attempts that failed.
        package var attempts: Int
        package var profile: SignatureProfile
        /// The second knock was already made in this attempt, or the host is known to gain
        /// nothing by it.
        package var knocked: Bool
        package var reconnected: Bool
        /// The host has answered below 500 since this one was stored.
        package var hostServesOthers: Bool

        package init(
            attempts: Int, profile: SignatureProfile, knocked: Bool, reconnected: Bool,
            hostServesOthers: Bool
        ) {
            self.attempts = attempts
            self.profile = profile
            self.knocked = knocked
            self.reconnected = reconnected
            self.hostServesOthers = hostServesOthers
        }
    }

    package var backoff: Backoff

    package init(backoff: Backoff = Backoff()) { self.backoff = backoff }

    /// A 5xx this often, while the host serves others, is about the activity.
    static let poisonAttempts = 7
    /// After 401 and 403: the receiver may have failed to fetch the key (PeerTube, Funkwhale,
    /// Mastodon up to 4.3), so two slow retries, then it is meant.
    static let refusedDelays: [Duration] = [.seconds(600), .seconds(7_200)]
    static let suspensionLimits: ClosedRange<Duration> = .seconds(1) ... .seconds(21_600)

    /// The pause that a host gets for the one it asks for.
    static func suspension(asked: Duration) -> Duration {
        min(max(asked, suspensionLimits.lowerBound), suspensionLimits.upperBound)
    }

    /// - Parameter retryAfter: the pause the answer asks for, from `Retry-After`, or until the host
    ///   allows more.
    package func verdict(
        on exchange: Exchange, retryAfter: Duration?, _ circumstances: Circumstances,
        using random: inout SeededGenerator
    ) -> Verdict {
        switch exchange {
        case .answered(let answer):
            verdict(
                status: answer.status, retryAfter: retryAfter, circumstances, using: &random)
        case .failed(let failure, _):
            verdict(failure: failure, circumstances, using: &random)
        }
    }

    private func verdict(
        status: Int, retryAfter: Duration?, _ circumstances: Circumstances,
        using random: inout SeededGenerator
    ) -> Verdict {
        switch status {
        case 200..<300:
            return Verdict(item: .delivered, host: .alive, reason: "delivered")
        case 300..<400:
            // A signed POST is never repeated elsewhere: the target has not asked for it, and a
            // redirect to an inner address is the oldest trick there is.
            return Verdict(item: .failed, host: .alive, reason: "redirected")
        case 401, 403:
            return refused(status: status, circumstances)
        case 404, 410:
            return Verdict(item: .failed, host: .alive, reason: "inbox-gone")
        case 421 where !circumstances.reconnected:
            return Verdict(item: .reconnect, host: .alive, reason: "misdirected")
        case 429, 503:
            let pause = retryAfter.map(Self.suspension(asked:))
            return Verdict(
                item: .hold, host: .suspended(pause, isAlive: status == 429),
                reason: status == 429 ? "rate-limited" : "unavailable")
        case 408, 425:
            let delay = backoff.delay(attempt: circumstances.attempts, using: &random)
            return Verdict(item: .retry(after: delay), host: .alive, reason: "try-again")
        case 400..<500, 501:
            return Verdict(item: .failed, host: .alive, reason: "rejected")
        default:
            return serverError(circumstances, using: &random)
        }
    }

    private func refused(status: Int, _ circumstances: Circumstances) -> Verdict {
        if status == 401, circumstances.profile == .draftCavage, !circumstances.knocked {
            return Verdict(item: .knockAgain, host: .alive, reason: "unauthorized")
        }
        let reason = status == 401 ? "unauthorized" : "forbidden"
        guard circumstances.attempts < Self.refusedDelays.count else {
            return Verdict(item: .failed, host: .alive, reason: reason)
        }
        return Verdict(
            item: .retry(after: Self.refusedDelays[circumstances.attempts]), host: .alive,
            reason: reason)
    }

    private func serverError(
        _ circumstances: Circumstances, using random: inout SeededGenerator
    ) -> Verdict {
        if isPoison(circumstances) {
            return Verdict(item: .failed, host: .erring, reason: "poison")
        }
        let delay = backoff.delay(attempt: circumstances.attempts, using: &random)
        return Verdict(item: .retry(after: delay), host: .erring, reason: "server-error")
    }

    /// It fails again and again while others get through: it is about this activity.
    private func isPoison(_ circumstances: Circumstances) -> Bool {
        circumstances.attempts + 1 >= Self.poisonAttempts && circumstances.hostServesOthers
    }

    private func verdict(
        failure: TransportFailure, _ circumstances: Circumstances,
        using random: inout SeededGenerator
    ) -> Verdict {
        let host: Verdict.Host
        switch failure {
        case .forbiddenAddress, .notSent:
            return Verdict(item: .failed, host: .unknown, reason: failure.rawValue)
        case .nameNotFound, .certificateInvalid:
            host = .unreachable(isCertain: true, isCongestion: false)
        case .nameUnavailable:
            host = .unreachable(isCertain: false, isCongestion: false)
        case .connectFailed, .connectTimedOut, .tlsFailed, .timedOut:
            host = .unreachable(isCertain: false, isCongestion: true)
        case .connectionLost, .malformedAnswer:
            // It took the connection and broke it: that may be the activity's doing.
            if isPoison(circumstances) {
                return Verdict(
                    item: .failed, host: .unreachable(isCertain: false, isCongestion: false),
                    reason: "poison")
            }
            host = .unreachable(isCertain: false, isCongestion: false)
        }
        let delay = backoff.delay(attempt: circumstances.attempts, using: &random)
        return Verdict(item: .retry(after: delay), host: host, reason: failure.rawValue)
    }
}
