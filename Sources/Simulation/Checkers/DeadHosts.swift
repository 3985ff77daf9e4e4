internal import DeliveryCore

/// A host that answers nothing for a day gets few requests in it, whatever it is owed.
struct DeadHosts: Checker {
    static let name = "dead-hosts"
    static let heeds: Set<Observation.Kind> = [.sent, .answered]

    private struct Silence {
        var since: Instant
        var requests = 0
    }

    private var silences: [HostID: Silence] = [:]
    private let limit: Int

    init(_ scenario: Scenario) {
        limit = scenario.expectations.deadHostDailyRequests + scenario.configuration.hostWindow
    }

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .sent(let sending):
            guard var silence = silences[sending.host] else { return nil }
            if sending.at - silence.since > .seconds(86_400) {
                silence = Silence(since: sending.at)
            }
            silence.requests += 1
            silences[sending.host] = silence
            // A window that was on its way when it died is not counted.
            if silence.requests > limit {
                return Breach(
                    "a host that answers nothing got \(silence.requests) requests in "
                        + "\((sending.at - silence.since).wholeMilliseconds / 60_000) minutes",
                    .host(sending.host))
            }
        case .answered(let sending, let answer):
            if answer.isKeyMissing { return nil }
            if answer.showsLife {
                silences[sending.host] = nil
            } else if case .failed = answer.exchange, silences[sending.host] == nil {
                silences[sending.host] = Silence(since: world.now)
            }
        default: break
        }
        return nil
    }
}
