internal import DeliveryCore

/// A host that limits its requests has to refuse few of them.
struct Refusals: Checker {
    static let name = "refusals"
    static let heeds: Set<Observation.Kind> = [.answered, .rare]

    private var requests: [HostID: Int] = [:]
    private var refused: [HostID: Int] = [:]
    private let percent: Int?

    init(_ scenario: Scenario) { percent = scenario.expectations.refusalPercent }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        guard let percent else { return nil }
        switch observation {
        case .answered(let sending, let answer):
            guard world.network.profile(of: sending.host).limit != .none else { return nil }
            requests[sending.host, default: 0] += 1
            if case .answered(let said) = answer.exchange, said.status == 429 {
                refused[sending.host, default: 0] += 1
            }
        case .ended:
            for (host, count) in refused.sorted(by: { $0.key < $1.key }) {
                let all = requests[host] ?? count
                if count * 100 > all * percent {
                    return Breach("\(host.name) had to refuse \(count) of \(all)", .host(host))
                }
            }
        default: break
        }
        return nil
    }
}
