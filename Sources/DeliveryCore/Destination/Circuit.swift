/// Whether a host takes deliveries: while closed it does; while open it gets one probe at a time.
///
/// Failure is a fact about a host. Whatever waits for it, a dead one costs one probe and one timer:
/// at most thirty requests in its first day, and one a day once it has been dead for a week.
package struct Circuit: Equatable, Sendable {
    /// Failures below HTTP, without an answer between them, that open it; a full window of them if
    /// that is more.
    static let failureLimit = 3
    /// Answers of 5xx in a row that open it, and to how many activities at least. Two are not enough:
    /// where one in thirty was poison, one host in a few hundred was taken for down (simulation,
    /// scenario `poison`).
    static let errorLimit = 5
    static let erringActivities = 3
    /// A host that names its pauses is taken at its word this long, without an answer between them.
    static let namedPausesBelieved: Duration = .seconds(300)
    static let probeIntervals: ClosedRange<Duration> = .seconds(30) ... .seconds(4 * 3_600)
    static let deadAfter: Duration = .seconds(7 * 86_400)
    static let deadProbeInterval: Duration = .seconds(86_400)
    /// Probes with one activity that a host answers with 5xx before another is tried: a poison
    /// activity must not hold a host.
    static let probesPerActivity = 2

    /// While it is open.
    package struct Outage: Equatable, Sendable {
        /// When its first failure was.
        package var since: Instant
        package var probeDue: Instant
        /// A stable word: why it opened, or why the last probe failed.
        package var cause: String
        /// The delivery that tries whether the host is back.
        package var probe: DeliveryIndex?
        var errors = 0
    }

    package private(set) var outage: Outage?
    private var failures = 0
    private var errors = 0
    private var failingSince: Instant?
    /// Not more of them than matter.
    private var erring: Set<ActivityID> = []

    package init() {}

    /// As another owner, or PostgreSQL, remembers it.
    package init(openSince since: Instant, probeDue: Instant, cause: String) {
        outage = Outage(since: since, probeDue: probeDue, cause: cause)
    }

    package var isOpen: Bool { outage != nil }

    /// Errors enough to open it, on too few activities: they may be what the host cannot bear.
    ///
    /// - Parameter isPauseNamed: it says when to come again: for a while that is believed.
    func isStuckOnFew(isPauseNamed: Bool, at now: Instant) -> Bool {
        guard !isOpen, errors >= Self.errorLimit, let failingSince else { return false }
        return !isPauseNamed || now - failingSince >= Self.namedPausesBelieved
    }

    /// Something failed, and nothing has succeeded since.
    package var isFailing: Bool { failingSince != nil || isOpen }

    /// Nobody believes in its return: nothing waits for it any more.
    package func isDead(at now: Instant) -> Bool {
        outage.map { now - $0.since >= Self.deadAfter } ?? false
    }

    /// Whether a delivery may be sent to try it.
    package func mayProbe(at now: Instant) -> Bool {
        outage.map { $0.probe == nil && now >= $0.probeDue } ?? false
    }

    // MARK: What was seen

    /// An answer below 500 proves it alive, whatever it says. True: it was open.
    mutating func answered() -> Bool {
        defer { self = Circuit() }
        return isOpen
    }

    /// There was no answer. True: it opens.
    ///
    /// - Parameters:
    ///   - isCertain: one is enough: the name does not exist, the certificate is not valid.
    ///   - window: transfers that may be in flight.
    mutating func failed(
        _ cause: String, isCertain: Bool, window: Int, began: Instant, at now: Instant,
        using random: inout SeededGenerator
    ) -> Bool {
        guard !isOpen else { return false }
        failures += 1
        failingSince = failingSince ?? began
        guard isCertain || failures >= max(Self.failureLimit, window) else { return false }
        open(cause, at: now, using: &random)
        return true
    }

    /// An answer of 5xx. True: it opens.
    mutating func erred(
        _ cause: String, on activity: ActivityID, at now: Instant,
        using random: inout SeededGenerator
    ) -> Bool {
        guard !isOpen else { return false }
        errors += 1
        failingSince = failingSince ?? now
        if erring.count < Self.erringActivities { erring.insert(activity) }
        guard errors >= Self.errorLimit, erring.count >= Self.erringActivities else { return false }
        open(cause, at: now, using: &random)
        return true
    }

    private mutating func open(
        _ cause: String, at now: Instant, using random: inout SeededGenerator
    ) {
        let since = failingSince ?? now
        outage = Outage(
            since: since, probeDue: now + Self.probeInterval(after: now - since, using: &random),
            cause: cause)
    }

    // MARK: Probes

    mutating func probing(with delivery: DeliveryIndex) { outage?.probe = delivery }

    /// The probe is not under way any more, and nothing is known.
    mutating func probeWithdrawn() { outage?.probe = nil }

    /// The host is not back. True: the next probe takes another activity.
    ///
    /// - Parameter isAnswer: it answered with 5xx, so the activity may be what it cannot bear.
    mutating func probeFailed(
        _ cause: String, isAnswer: Bool, at now: Instant, using random: inout SeededGenerator
    ) -> Bool {
        guard var outage else { return false }
        outage.probe = nil
        outage.cause = cause
        outage.probeDue = now + Self.probeInterval(after: now - outage.since, using: &random)
        outage.errors = isAnswer ? outage.errors + 1 : 0
        let takesAnother = outage.errors >= Self.probesPerActivity
        if takesAnother { outage.errors = 0 }
        self.outage = outage
        return takesAnother
    }

    /// Somebody has seen it alive: try at once.
    mutating func hinted(at now: Instant) { outage?.probeDue = now }

    /// Time in which nobody could be reached does not count.
    mutating func skipped(_ time: Duration) {
        guard var outage else { return }
        outage.since = outage.since + time
        outage.probeDue = outage.probeDue + time
        self.outage = outage
    }

    /// A third of the outage's age, stretched by up to 40 %: spread, and never sooner, so that the
    /// first day takes 23 probes on average and never more than 27.
    private static func probeInterval(
        after age: Duration, using random: inout SeededGenerator
    ) -> Duration {
        let interval = shortestProbeInterval(after: age)
        let stretch = (longestProbeInterval(after: age) - interval).wholeMilliseconds
        return interval + .milliseconds(Int64.random(in: 0...stretch, using: &random))
    }

    private static func shortestProbeInterval(after age: Duration) -> Duration {
        if age >= deadAfter { return deadProbeInterval }
        return min(max(age / 3, probeIntervals.lowerBound), probeIntervals.upperBound)
    }

    static func longestProbeInterval(after age: Duration) -> Duration {
        .milliseconds(shortestProbeInterval(after: age).wholeMilliseconds * 14 / 10)
    }
}
