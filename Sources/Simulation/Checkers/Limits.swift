internal import DeliveryCore

/// Slots, windows, unsettled results and open deliveries stay within what the configuration says.
struct Limits: Checker {
    static let name = "limits"
    static let heeds: Set<Observation.Kind> = [.sent, .answered, .sampled]

    private var inFlight: [Acquaintance: Int] = [:]
    private let configuration: WorkerConfiguration

    init(_ scenario: Scenario) { configuration = scenario.configuration }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .sent(let sending):
            let window = sending.acquaintance
            let count = (inFlight[window] ?? 0) + 1
            inFlight[window] = count
            if count > configuration.hostWindow {
                return Breach(
                    "w\(sending.worker) has \(count) in flight to one host", .host(sending.host))
            }
        case .answered(let sending, _):
            let window = sending.acquaintance
            let left = (inFlight[window] ?? 0) - 1
            inFlight[window] = left > 0 ? left : nil
        case .sampled:
            for number in world.workers.numbers {
                let gauges = world.workers[number].machine.gauges
                if let breach = check(gauges, of: number) { return breach }
            }
        default: break
        }
        return nil
    }

    private func check(_ gauges: DeliveryMachine.Gauges, of number: Int) -> Breach? {
        if gauges.inFlight > configuration.slots {
            return Breach("w\(number) has \(gauges.inFlight) in flight", .worker(number))
        }
        // The last entry opened, and the last answers, may go beyond.
        let most = configuration.openLimit + configuration.openReserve
        if gauges.open > most + LogEntry.inboxLimit {
            return Breach("w\(number) has \(gauges.open) open", .worker(number))
        }
        if gauges.unsettled > configuration.unsettledLimit + configuration.slots
            + most
        {
            return Breach("w\(number) has \(gauges.unsettled) unsettled", .worker(number))
        }
        return nil
    }
}
