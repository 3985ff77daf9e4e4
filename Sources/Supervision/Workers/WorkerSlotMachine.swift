/// One worker slot: when its process is started, restarted, asked to drain and killed.
///
/// Pure: it is told what happened and when, and answers with what to do. A worker that dies young
/// is started again after a pause that doubles each time (0.1 s to 30 s), so that a broken
/// configuration does not eat the machine; one that has lived for a minute starts afresh. Whom
/// somebody killed, be it the kernel for want of memory, is missed for a second at most: that says
/// nothing against the next one.

package import DeliveryCore

package struct WorkerSlotMachine: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// Not started yet.
        case empty
        /// A spawn was asked for; its result comes next.
        case spawning
        case running(since: Instant)
        case pausing(Pause)
        /// Its lifeline is closed.
        case draining
        /// For good.
        case ended
    }

    package enum Action: Equatable, Sendable {
        case spawn
        /// Report `pauseEnded` after this long.
        case pause(Pause)
        case closeLifeline
        case kill
        /// The slot is done.
        case finish
    }

    package struct Pause: Equatable, Sendable {
        package var length: Duration
        /// A late timer of an earlier pause is none.
        package var number: Int
    }

    package static let shortestPause: Duration = .milliseconds(100)
    package static let longestPause: Duration = .seconds(30)
    package static let longestPauseAfterKill: Duration = .seconds(1)
    package static let healthyAge: Duration = .seconds(60)

    package private(set) var state: State = .empty
    /// Pauses since the last healthy life.
    private var failures = 0
    private var pauses = 0

    package init() {}

    /// - Returns: nil when a drain came first.
    package mutating func startRequested() -> Action? {
        if state == .ended { return nil }
        guard state == .empty else { contradiction(#function) }
        state = .spawning
        return .spawn
    }

    package mutating func spawned(at now: Instant) {
        guard state == .spawning else { contradiction(#function) }
        state = .running(since: now)
    }

    package mutating func spawnFailed() -> Action {
        guard state == .spawning else { contradiction(#function) }
        return pause(atMost: Self.longestPause)
    }

    /// - Parameter killed: by a signal that is no fault of its own.
    package mutating func died(at now: Instant, killed: Bool) -> Action {
        switch state {
        case .running(let since):
            if now - since >= Self.healthyAge { failures = 0 }
            return pause(atMost: killed ? Self.longestPauseAfterKill : Self.longestPause)
        case .draining:
            state = .ended
            return .finish
        case .empty, .spawning, .pausing, .ended: contradiction(#function)
        }
    }

    /// - Returns: nil when that pause is over for another reason.
    package mutating func pauseEnded(_ pause: Pause) -> Action? {
        guard state == .pausing(pause) else { return nil }
        state = .spawning
        return .spawn
    }

    /// - Returns: nil when it drains already.
    package mutating func drainRequested() -> Action? {
        switch state {
        case .running:
            state = .draining
            return .closeLifeline
        case .empty, .pausing:
            state = .ended
            return .finish
        case .draining, .ended: return nil
        case .spawning: contradiction(#function)
        }
    }

    /// - Returns: nil when there is nothing left to kill.
    package func deadlinePassed() -> Action? { state == .draining ? .kill : nil }

    private mutating func pause(atMost longest: Duration) -> Action {
        // 0.1 s doubled nine times is above the ceiling already.
        let length = min(Self.shortestPause * (1 << min(failures, 9)), longest)
        failures += 1
        pauses += 1
        let pause = Pause(length: length, number: pauses)
        state = .pausing(pause)
        return .pause(pause)
    }

    private func contradiction(_ event: String) -> Never {
        preconditionFailure("\(event) in the state \(state)")
    }
}
