internal import DeliveryCore

/// How a group of simulated hosts behaves, as plain values.
package struct HostProfile: Sendable {
    package var latency = Latency()
    /// What it does when; the last phase that covers a moment counts. It serves otherwise.
    package var life: [Phase] = []
    package var limit = Limit.none
    /// Answers now and then what every server answers now and then.
    package var isMoody = false
    /// Activities that say they are poison get 500; others pass.
    package var chokesOnPoison = false

    package init() {}

    package func behaviour(at time: Duration) -> Behaviour {
        life.last { $0.covers(time) }?.behaviour ?? .serves
    }

    /// When it begins to serve for good; nil: never.
    package var healedAt: Duration? {
        var healed = Duration.zero
        for phase in life {
            guard let until = phase.until else { return nil }
            healed = max(healed, until)
        }
        return healed
    }
}

package enum Behaviour: Sendable, Equatable {
    case serves
    case refuses
    /// Packets vanish: the connect times out.
    case blackholes
    /// Takes the connection, and says nothing.
    case hangs
    /// Sends a byte now and then, until our patience ends.
    case dribbles
    case errs(Int)
    case asksToWait(Int, Duration?)
    case hasNoName
    case hasBadCertificate
}

package struct Phase: Sendable {
    package var behaviour: Behaviour
    package var from: Duration
    package var until: Duration?
    /// Comes and goes: this long each way, beginning with the behaviour.
    package var every: Duration?

    package init(
        _ behaviour: Behaviour, from: Duration = .zero, until: Duration? = nil,
        every: Duration? = nil
    ) {
        self.behaviour = behaviour
        self.from = from
        self.until = until
        self.every = every
    }

    func covers(_ time: Duration) -> Bool {
        guard time >= from, until.map({ time < $0 }) ?? true else { return false }
        guard let every else { return true }
        return ((time - from).wholeMilliseconds / every.wholeMilliseconds) % 2 == 0
    }
}

/// Answers take this long: mostly near the median, with a tail.
package struct Latency: Sendable {
    package var median: Duration = .milliseconds(80)
    package var tail: Duration = .seconds(2)
    /// One in so many is from the tail.
    package var tailEvery = 50

    package init(median: Duration = .milliseconds(80), tail: Duration = .seconds(2)) {
        self.median = median
        self.tail = tail
    }

    func draw(using random: inout SeededGenerator) -> Duration {
        let middle = median.wholeMilliseconds
        if Int.random(in: 0..<tailEvery, using: &random) == 0 {
            return .milliseconds(Int64.random(in: middle...tail.wholeMilliseconds, using: &random))
        }
        return .milliseconds(Int64.random(in: middle / 2...middle * 3 / 2, using: &random))
    }
}

package enum Limit: Sendable, Equatable {
    case none
    /// More than this many at once get 429.
    case concurrent(Int, retryAfter: Duration?)
    /// More than this many in a second get 429.
    case perSecond(Int, retryAfter: Duration?)
}
