package import DeliveryCore

/// The hosts, and what becomes of each request that is sent to them.
package struct Network {
    package struct Host {
        package var profile: HostProfile
        var concurrent = 0
        var tokens = 0.0
        var refilled: Duration = .zero
    }

    /// How a request will end, decided when it is sent.
    package struct Outcome {
        var after: Duration
        var exchange: Exchange
        var retryAfter: Duration?
        /// The host has taken it, whatever we get to see of its answer.
        var isAccepted = false
        var isKeyMissing = false

        /// Its end is known to the host already, and comes to us later.
        var alreadyAccepted: Outcome {
            var outcome = self
            outcome.isAccepted = false
            return outcome
        }
    }

    static let connectTimeout: Duration = .seconds(10)
    static let timeout: Duration = .seconds(30)

    /// Host 1 stands at 1.
    package private(set) var hosts: [Host]
    /// Our own name server and network are away.
    let outages: [Range<Duration>]
    /// Hosts misbehave as their profiles say; else all are well.
    var isTroubled = true

    init(fleet: [HostGroup], outages: [Range<Duration>]) {
        hosts = [Host(profile: HostProfile())]
        for group in fleet {
            hosts += Array(repeating: Host(profile: group.profile), count: group.count)
        }
        self.outages = outages
    }

    package func profile(of host: HostID) -> HostProfile { hosts[Int(host.rawValue)].profile }

    package func isOurOutage(at time: Duration) -> Bool { outages.contains { $0.contains(time) } }

    mutating func returned(_ host: HostID) { hosts[Int(host.rawValue)].concurrent += 1 }

    mutating func left(_ host: HostID) { hosts[Int(host.rawValue)].concurrent -= 1 }

    mutating func request(
        _ transmission: Transmission, to id: HostID, isPoison: Bool, at time: Duration,
        using random: inout SeededGenerator
    ) -> Outcome {
        let number = Int(id.rawValue)
        hosts[number].concurrent += 1
        let profile = hosts[number].profile
        let latency = profile.latency.draw(using: &random)
        guard isTroubled else { return accepted(after: latency) }
        if isOurOutage(at: time) {
            let failure: TransportFailure =
                number % 2 == 0 ? .nameUnavailable : .connectFailed
            return failed(failure, after: .milliseconds(200))
        }
        switch profile.behaviour(at: time) {
        case .serves: break
        case .refuses: return failed(.connectFailed, after: latency)
        case .blackholes: return failed(.connectTimedOut, after: Self.connectTimeout)
        case .hangs, .dribbles: return failed(.timedOut, after: Self.timeout)
        case .errs(let status): return answered(status, after: latency)
        case .asksToWait(let status, let pause):
            return answered(status, retryAfter: pause, after: latency)
        case .hasNoName: return failed(.nameNotFound, after: .milliseconds(50))
        case .hasBadCertificate: return failed(.certificateInvalid, after: latency)
        }
        if let refusal = refusal(number, at: time, after: latency) { return refusal }
        if isPoison, profile.chokesOnPoison { return answered(500, after: latency) }
        if profile.isMoody { return mood(transmission, after: latency, using: &random) }
        return accepted(after: latency)
    }

    private mutating func refusal(
        _ number: Int, at time: Duration, after latency: Duration
    ) -> Outcome? {
        switch hosts[number].profile.limit {
        case .none: return nil
        case .concurrent(let limit, let pause):
            return hosts[number].concurrent > limit
                ? answered(429, retryAfter: pause, after: latency) : nil
        case .perSecond(let rate, let pause):
            let elapsed = Double((time - hosts[number].refilled).wholeMilliseconds) / 1_000
            hosts[number].refilled = time
            hosts[number].tokens = min(
                hosts[number].tokens + elapsed * Double(rate), Double(rate))
            guard hosts[number].tokens >= 1 else {
                return answered(429, retryAfter: pause, after: latency)
            }
            hosts[number].tokens -= 1
            return nil
        }
    }

    /// One in six goes otherwise than well.
    private func mood(
        _ transmission: Transmission, after usual: Duration, using random: inout SeededGenerator
    ) -> Outcome {
        let latency: Duration =
            Int.random(in: 0..<100, using: &random) < 3
            ? .milliseconds(Int.random(in: 500...5_000, using: &random)) : usual
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<6: return answered(500, after: latency)
        case 6..<9:
            let pause = Duration.milliseconds(Int.random(in: 500...4_000, using: &random))
            return answered(429, retryAfter: pause, after: latency)
        case 9..<11 where transmission.profile == .draftCavage:
            return answered(401, after: latency)
        case 11..<13 where !transmission.onFreshConnection: return answered(421, after: latency)
        case 13: return answered(404, after: latency)
        case 14..<17: return failed(.connectFailed, after: latency)
        case 17: return failed(.timedOut, after: latency)
        case 18:
            var outcome = accepted(after: latency)
            outcome.isAccepted = false
            outcome.isKeyMissing = true
            return outcome
        case 19:
            // It was taken, and the answer was lost on the way.
            var outcome = failed(.connectionLost, after: latency)
            outcome.isAccepted = true
            return outcome
        default: return accepted(after: latency)
        }
    }

    private func accepted(after latency: Duration) -> Outcome {
        Outcome(
            after: latency, exchange: .answered(Answer(status: 202)), retryAfter: nil,
            isAccepted: true)
    }

    private func answered(
        _ status: Int, retryAfter: Duration? = nil, after latency: Duration
    ) -> Outcome {
        Outcome(
            after: latency, exchange: .answered(Answer(status: status)), retryAfter: retryAfter)
    }

    private func failed(_ failure: TransportFailure, after latency: Duration) -> Outcome {
        Outcome(
            after: latency, exchange: .failed(failure, detail: failure.rawValue), retryAfter: nil)
    }
}
