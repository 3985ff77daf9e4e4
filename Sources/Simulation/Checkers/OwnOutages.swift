internal import DeliveryCore

/// An outage of our own is nobody's fault: little is sent in it, no circuit stays open by it, and
/// what was owed at its end is delivered soon after.
struct OwnOutages: Checker {
    static let name = "own-outages"
    static let heeds: Set<Observation.Kind> = [.sent, .stood, .settled, .sampled]
    /// To be noticed it may take so long, on a worker with little to send.
    static let noticeTime: Duration = .seconds(120)

    private let outages: [Range<Duration>]
    private let recovery: Duration
    /// In the outage that is, once it should have been noticed.
    private var requests = 0
    private var last = 0
    private var looked = Duration.zero
    /// Deliveries that stand in Redis, of those that came before the last outage ended.
    private var owed: Set<Delivery> = []

    init(_ scenario: Scenario) {
        outages = scenario.faults.outages
        recovery = scenario.expectations.recovery
    }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        guard !outages.isEmpty else { return nil }
        switch observation {
        case .sent(let sending): return count(sending, at: world.age)
        case .stood(let deliveries, isFresh: true):
            if let end = outages.last?.upperBound, world.age < end { owed.formUnion(deliveries) }
        case .settled(let delivery, _, _): owed.remove(delivery)
        case .sampled: return look(at: world)
        default: break
        }
        return nil
    }

    private mutating func count(_ sending: Sending, at age: Duration) -> Breach? {
        guard let number = outages.firstIndex(where: { $0.contains(age) }) else { return nil }
        if number != last { (requests, last) = (0, number) }
        let noticed = age - outages[number].lowerBound - Self.noticeTime
        guard noticed >= .zero else { return nil }
        requests += 1
        let seconds = Int(noticed.wholeMilliseconds / 1_000)
        guard requests > 100 + seconds / 4 else { return nil }
        return Breach("\(requests) requests in \(seconds) s of our outage", .host(sending.host))
    }

    private mutating func look(at world: World) -> Breach? {
        guard world.age - looked >= .seconds(10) else { return nil }
        looked = world.age
        if let outage = outages.last(where: { $0.lowerBound + Self.noticeTime <= looked }) {
            let start = world.wall - (looked - outage.lowerBound)
            let open = world.postgres.hostConditions.filter {
                ($0.value.failingSince ?? start) > start
            }
            if let host = open.keys.min() {
                return Breach("\(open.count) circuits are open by our own outage", .host(host))
            }
        }
        guard let end = outages.last?.upperBound, looked >= end + recovery,
            let delivery = owed.min(by: { $0.activity < $1.activity })
        else { return nil }
        return Breach(
            "\(owed.count) deliveries still wait, \((looked - end).wholeMilliseconds / 1_000) s "
                + "after our outage", .delivery(delivery))
    }
}
