/// The least time between two requests to a host that counts them: learned from its refusals.
///
/// A window cannot serve a limit of so many requests a minute: at five milliseconds an answer, even
/// a window of one is two hundred a second. So when a host refuses for its rate, what it took since
/// it last refused, pauses included, is taken for what it allows. A refusal before which it took
/// nothing measures nothing: its pause is all that is learned.
package struct Pace: Equatable, Sendable {
    /// Successes after which twice as much is tried: few at first, twice as many after each time
    /// that it was too much.
    static let patienceLimits = 4...4_096
    static let longest: Duration = .seconds(60)
    static let idleTime: Duration = .seconds(5)
    /// Twice as much is tried at the latest after this, with ``patienceLimits`` successes in it.
    static let longestPatience: Duration = .seconds(600)
    /// Below this it is no pace any more.
    static let shortest: Duration = .milliseconds(2)

    /// What was learned.
    private(set) var interval: Duration?
    /// What an operator wants at least.
    var leastInterval: Duration?
    private var countingSince: Instant?
    private var accepted = 0
    private var patience = Self.patienceLimits.lowerBound
    private var sinceChange = 0
    private var lastSent: Instant?
    private var refusedAt: Instant?
    /// When its last pause ends: time in which nothing may be asked is not idle.
    private var pauseEnd: Instant?

    /// When the next request may be sent; nil: at once.
    package var next: Instant? {
        guard let gap, let lastSent else { return nil }
        return lastSent + gap
    }

    private var gap: Duration? {
        guard let interval, let leastInterval else { return interval ?? leastInterval }
        return max(interval, leastInterval)
    }

    mutating func sent(at now: Instant) {
        if let lastSent,
            now - max(lastSent, pauseEnd ?? lastSent) > max((gap ?? .zero) * 2, Self.idleTime)
        {
            // Time in which nothing was asked of it says nothing about what it allows.
            countingSince = nil
            accepted = 0
        }
        lastSent = now
        countingSince = countingSince ?? now
    }

    mutating func succeeded() {
        accepted += 1
        guard let interval else { return }
        sinceChange += 1
        let most = max(
            Int(Self.longestPatience / interval), Self.patienceLimits.lowerBound)
        guard sinceChange >= min(patience, most) else { return }
        sinceChange = 0
        let shorter = interval / 2
        self.interval = shorter < Self.shortest ? nil : shorter
    }

    /// - Parameters:
    ///   - sent: when the request was begun: what was under way together is refused once.
    ///   - pause: how long it gets nothing now.
    mutating func refused(sent: Instant, at now: Instant, pause: Duration) {
        if let refusedAt, sent <= refusedAt { return }
        refusedAt = now
        pauseEnd = now + pause
        guard accepted > 0 else { return }
        sinceChange = 0
        let took = countingSince.map { now + pause - $0 } ?? pause
        let measured = took / accepted
        // Refused although paced: what was tried is too much.
        if interval != nil { patience = min(patience * 2, Self.patienceLimits.upperBound) }
        let wanted = max(measured, interval.map { $0 * 5 / 4 } ?? .zero)
        interval = min(wanted, Self.longest)
        accepted = 0
        countingSince = now + pause
    }
}
