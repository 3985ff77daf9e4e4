internal import DeliveryCore

/// A host that asked for a pause gets nothing new from whom it asked before the pause is over; of a
/// lane or a sender that an operator has paused nothing is read or sent by whom knows of it.
///
/// The next owner knows of a host's pause only when there is a backlog, so it belongs to one
/// ownership.
struct Pauses: Checker {
    static let name = "pauses"
    static let heeds: Set<Observation.Kind> = [.sent, .answered, .steered]

    private var until: [Acquaintance: Instant] = [:]
    private var controls: [Int: Controls] = [:]
    static let limits: ClosedRange<Duration> = .seconds(1) ... .seconds(21_600)

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .heard(let worker, let controls): self.controls[worker] = controls
        case .asked(let worker, let lanes):
            let paused = lanes.first { controls[worker]?.isPaused($0, at: world.wall) == true }
            return paused.map {
                Breach("w\(worker) reads \($0.name), which is paused", .worker(worker))
            }
        case .sent(let sending):
            let sender = SenderID(rawValue: UInt64(sending.sender))
            if controls[sending.worker]?.isPaused(sending.lane, sender, at: world.wall) == true {
                return Breach(
                    "\(sending.delivery) is sent, and \(sending.lane.name) or sender "
                        + "\(sending.sender) is paused", .delivery(sending.delivery))
            }
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
