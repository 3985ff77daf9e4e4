internal import DeliveryCore

/// Hosts that have never answered, or have failed last, share a part of the slots: a quarter, and a
/// twentieth for probes.
struct Suspects: Checker {
    static let name = "suspects"

    private var hasAnswered: Set<HostID> = []
    private var failing: Set<Acquaintance> = []
    private var flights: [TransferKey: Int] = [:]
    private var counts: [Int: Int] = [:]
    private let limit: Int

    private struct Acquaintance: Hashable {
        var worker: Int
        var ownership: Int
        var host: HostID
    }

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
            let known = Acquaintance(
                worker: sending.worker, ownership: sending.ownership, host: sending.host)
            guard !sending.isAgain, failing.contains(known) || !hasAnswered.contains(sending.host)
            else { return nil }
            flights[TransferKey(worker: sending.worker, token: sending.token)] = 1
            let count = (counts[sending.worker] ?? 0) + 1
            counts[sending.worker] = count
            if count > limit {
                return Breach(
                    "w\(sending.worker) has \(count) in flight to hosts that it cannot trust",
                    .worker(sending.worker))
            }
        case .answered(let sending, let answer):
            let key = TransferKey(worker: sending.worker, token: sending.token)
            if flights.removeValue(forKey: key) != nil { counts[sending.worker]? -= 1 }
            let known = Acquaintance(
                worker: sending.worker, ownership: sending.ownership, host: sending.host)
            if answer.showsLife {
                hasAnswered.insert(sending.host)
                failing.remove(known)
            } else if !answer.isKeyMissing, !answer.isAnswer {
                // A 5xx may be about the activity alone.
                failing.insert(known)
            }
        case .unleased(let worker, _), .lostLeases(let worker), .killed(let worker):
            // What an earlier ownership has in flight is not in its hands any more.
            flights = flights.filter { $0.key.worker != worker }
            counts[worker] = nil
        default: break
        }
        return nil
    }
}
