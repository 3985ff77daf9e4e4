internal import DeliveryCore

/// A host that asked for a pause gets nothing new from whom it asked before the pause is over.
///
/// The next owner knows of it only when there is a backlog, so the pause belongs to one ownership.
struct Pauses: Checker {
    static let name = "pauses"
    static let heeds: Set<Observation.Kind> = [.sent, .answered]

    private var until: [Acquaintance: Instant] = [:]
    static let limits: ClosedRange<Duration> = .seconds(1) ... .seconds(21_600)

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .sent(let sending):
            // A second knock belongs to a request that was made before.
            guard !sending.isAgain, let end = until[sending.acquaintance], sending.at < end else {
                return nil
            }
            return Breach(
                "\(sending.delivery) is sent \((end - sending.at).wholeMilliseconds) ms before the "
                    + "pause is over that its host asked for", .host(sending.host))
        case .answered(let sending, let answer):
            guard case .answered(let said) = answer.exchange, !answer.isKeyMissing,
                said.status == 429 || said.status == 503, let pause = answer.retryAfter
            else { return nil }
            let clamped = min(max(pause, Self.limits.lowerBound), Self.limits.upperBound)
            let listener = sending.acquaintance
            until[listener] = max(until[listener] ?? world.now, world.now + clamped)
        default: break
        }
        return nil
    }
}
