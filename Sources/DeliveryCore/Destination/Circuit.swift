/// Whether a host takes deliveries: while closed it does; while open it gets one probe at a time.
///
/// Failure is a fact about a host. Whatever waits for it, a dead one costs one probe and one timer:
/// at most thirty requests in its first day, and one a day once it has been down for a week.
package struct Circuit: Equatable, Sendable {
    /// Failures below HTTP, without an answer below 500 between them, that open it; a full window of
    /// them if that is more.
    static let failureLimit = 3
    /// Answers of 5xx in a row that open it, and to how many activities at least.
    static let errorLimit = 5
    static let erringActivities = 2
    /// A host that names its pauses is taken at its word this long, without an answer between them.
    static let namedPausesBelieved: Duration = .seconds(300)
    /// A host that answers, if only with 5xx, is probed sooner at first, then a third as often each
    /// time: it may have been the activities.
    static let firstProbeAfterErrors: Duration = .seconds(5)
    static let probeIntervals: ClosedRange<Duration> = .seconds(30) ... .seconds(4 * 3_600)
    static let deadAfter: Duration = .seconds(7 * 86_400)
    static let deadProbeInterval: Duration = .seconds(86_400)

    /// While it is open.
    package struct Outage: Equatable, Sendable {
        /// When its first failure was.
        package var since: Instant
        package var probeDue: Instant
        /// A stable word: why it opened, or why the last probe failed.
        package var cause: String
        /// The delivery that tries whether the host is back.
        package var probe: DeliveryIndex?
        /// Its last word was a 5xx, not silence.
        package var isAnswering = false
        /// What it answered with 5xx, the first of them.
        fileprivate(set) var erring: Set<ActivityID> = []
        /// The wait before the next probe while it answers; three times as long each time.
        fileprivate var early = Circuit.firstProbeAfterErrors
    }

    package private(set) var outage: Outage?
    private var failures = 0
    private var errors = 0
    private var failingSince: Instant?
    /// Not more of them than matter.
    private var erring: Set<ActivityID> = []
    private static let rememberedActivities = 16

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

    /// It has answered others with 5xx too, and none of them below since.
    func isErring(besides activity: ActivityID) -> Bool {
        isOpen || erring.contains { $0 != activity }
    }

    /// Something failed, and nothing has succeeded since.
    package var isFailing: Bool { failingSince != nil || isOpen }

    /// Nobody believes in its return: nothing waits for it but one delivery, to try it with.
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
        open(cause, isAnswering: false, at: now, using: &random)
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
        if erring.count < Self.rememberedActivities { erring.insert(activity) }
        guard errors >= Self.errorLimit, erring.count >= Self.erringActivities else { return false }
        open(cause, isAnswering: true, at: now, using: &random)
        outage?.erring = erring
        return true
    }

    private mutating func open(
        _ cause: String, isAnswering: Bool, at now: Instant, using random: inout SeededGenerator
    ) {
        var outage = Outage(since: failingSince ?? now, probeDue: now, cause: cause)
        outage.isAnswering = isAnswering
        outage.awaitProbe(at: now, using: &random)
        self.outage = outage
    }

    // MARK: Probes

    mutating func probing(with delivery: DeliveryIndex) { outage?.probe = delivery }

    /// The probe is not under way any more, and nothing is known.
    mutating func probeWithdrawn() { outage?.probe = nil }

    /// The host is not back.
    ///
    /// - Parameter activity: it answered with 5xx, so this activity may be what it cannot bear.
    mutating func probeFailed(
        _ cause: String, on activity: ActivityID?, at now: Instant,
        using random: inout SeededGenerator
    ) {
        guard var outage else { return }
        outage.probe = nil
        outage.cause = cause
        outage.isAnswering = activity != nil
        if let activity, outage.erring.count < Self.rememberedActivities {
            outage.erring.insert(activity)
        }
        outage.awaitProbe(at: now, using: &random)
        self.outage = outage
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

    /// A third of the outage's age.
    private static func shortestProbeInterval(after age: Duration) -> Duration {
        if age >= deadAfter { return deadProbeInterval }
        return min(max(age / 3, probeIntervals.lowerBound), probeIntervals.upperBound)
    }

    static func longestProbeInterval(after age: Duration) -> Duration {
        stretched(shortestProbeInterval(after: age))
    }

    private static func stretched(_ interval: Duration) -> Duration {
        .milliseconds(interval.wholeMilliseconds * 14 / 10)
    }
}

extension Circuit.Outage {
    /// The host answers, and this may be what it cannot bear: what was not tried is a better probe.
    func mayBeCaused(by delivery: OpenDelivery) -> Bool {
        isAnswering && (delivery.attempts > 0 || erring.contains(delivery.activity))
    }

    /// Stretched by up to 40 %: spread, and never sooner, so that the first day takes 23 probes on
    /// average and never more than 30.
    fileprivate mutating func awaitProbe(at now: Instant, using random: inout SeededGenerator) {
        var interval = Circuit.shortestProbeInterval(after: now - since)
        if isAnswering { interval = min(interval, early) }
        early = min(early * 3, Circuit.probeIntervals.upperBound)
        let stretch = (Circuit.stretched(interval) - interval).wholeMilliseconds
        probeDue = now + interval + .milliseconds(Int64.random(in: 0...stretch, using: &random))
    }
}
