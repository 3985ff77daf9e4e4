internal import DeliveryCore

/// What is urgent, or by somebody who floods nobody, reaches living hosts soon: the 99th percentile
/// from the XADD to the first 2xx, as the scenario asks.
struct Latencies: Checker {
    static let name = "latencies"
    static let heeds: Set<Observation.Kind> = [.accepted, .rare]

    private var samples: [[Int64]]
    private var seen: Set<Delivery> = []
    private let bounds: [Expectations.Latency]

    init(_ scenario: Scenario) {
        bounds = scenario.expectations.latencies
        samples = Array(repeating: [], count: bounds.count)
    }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .accepted(let sending):
            take(sending, in: world)
            return nil
        case .ended:
            for (bound, unsorted) in zip(bounds, samples) where !unsorted.isEmpty {
                let sorted = unsorted.sorted()
                let p99 = sorted[min(sorted.count * 99 / 100, sorted.count - 1)]
                if p99 > bound.p99.wholeMilliseconds {
                    return Breach(
                        "\(bound.lane) of senders \(bound.senders): p99 is \(p99) ms of "
                            + "\(sorted.count), and must be below "
                            + "\(bound.p99.wholeMilliseconds)")
                }
            }
            return nil
        default: return nil
        }
    }

    private mutating func take(_ sending: Sending, in world: World) {
        for (place, bound) in bounds.enumerated() {
            guard bound.lane == sending.lane, bound.senders.contains(sending.sender),
                world.network.profile(of: sending.host).life.isEmpty,
                seen.insert(sending.delivery).inserted,
                let job = world.postgres.activity(sending.delivery.activity)?.job,
                let entered = world.produced[job]
            else { continue }
            samples[place].append((world.now - entered).wholeMilliseconds)
        }
    }
}
