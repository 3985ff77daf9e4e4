internal import DeliveryCore

/// One ownership has one delivery in flight once.
struct SingleFlight: Checker {
    static let name = "single-flight"
    static let heeds: Set<Observation.Kind> = [.sent, .answered]

    private struct Flight: Hashable {
        var worker: Int
        var ownership: Int
        var delivery: Delivery

        init(_ sending: Sending) {
            worker = sending.worker
            ownership = sending.ownership
            delivery = sending.delivery
        }
    }

    private var flights: Set<Flight> = []

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .sent(let sending):
            if !flights.insert(Flight(sending)).inserted {
                return Breach(
                    "w\(sending.worker) has \(sending.delivery) in flight twice",
                    .delivery(sending.delivery))
            }
        case .answered(let sending, _): flights.remove(Flight(sending))
        default: break
        }
        return nil
    }
}
