internal import DeliveryCore

/// Hosts that have never answered, or have failed last, share a part of the slots: a quarter, and a
/// twentieth for probes.
struct Suspects: Checker {
    static let name = "suspects"
    static let heeds: Set<Observation.Kind> = [.sent, .answered, .rare]

    private var hasAnswered: Set<HostID> = []
    private var failing: Set<Acquaintance> = []
    private var flights: Set<TransferKey> = []
    private var counts: [Int: Int] = [:]
    private let limit: Int

    private struct TransferKey: Hashable {
        var worker: Int
        var token: TransferToken
    }

    init(_ scenario: Scenario) {
        let slots = scenario.configuration.slots
        limit = max(slots * 25 / 100, 1) + max(slots * 5 / 100, 1)
    }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .sent(let sending):
            guard !sending.isAgain,
                failing.contains(sending.acquaintance) || !hasAnswered.contains(sending.host)
            else { return nil }
            flights.insert(TransferKey(worker: sending.worker, token: sending.token))
            let count = (counts[sending.worker] ?? 0) + 1
            counts[sending.worker] = count
            if count > limit {
                return Breach(
                    "w\(sending.worker) has \(count) in flight to hosts that it cannot trust",
                    .worker(sending.worker))
            }
        case .answered(let sending, let answer):
            let key = TransferKey(worker: sending.worker, token: sending.token)
            if flights.remove(key) != nil { counts[sending.worker]? -= 1 }
            if answer.showsLife {
                hasAnswered.insert(sending.host)
                failing.remove(sending.acquaintance)
            } else if !answer.isKeyMissing, !answer.isAnswer {
                // A 5xx may be about the activity alone.
                failing.insert(sending.acquaintance)
            }
        case .unleased(let worker, _), .lostLeases(let worker), .killed(let worker):
            // What an earlier ownership has in flight is not in its hands any more.
            flights = flights.filter { $0.worker != worker }
            counts[worker] = nil
        default: break
        }
        return nil
    }
}
