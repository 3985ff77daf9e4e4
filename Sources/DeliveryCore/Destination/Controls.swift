/// All controls in force: of hosts, lanes and senders.
package struct Controls: Equatable, Sendable {
    private var everywhere = HostControl()
    private var named: [String: HostControl] = [:]
    private var lanes: [Lane: Pause] = [:]
    private var senders: [SenderID: Pause] = [:]

    package init() {}

    /// - Parameter host: nil: all of them, each on its own.
    package mutating func add(_ control: HostControl, to host: String?) {
        guard let host else { return everywhere = everywhere.joined(with: control) }
        named[host] = control.joined(with: named[host] ?? HostControl())
    }

    package mutating func pause(_ lane: Lane, _ pause: Pause) { lanes[lane] = pause }

    package mutating func pause(_ sender: SenderID, _ pause: Pause) { senders[sender] = pause }

    package subscript(host host: String) -> HostControl {
        named[host].map(everywhere.joined) ?? everywhere
    }

    /// Some lane is paused, or was: its pause may be over.
    var hasLanes: Bool { !lanes.isEmpty }

    package func isPaused(_ lane: Lane, at wall: WallTime) -> Bool {
        lanes[lane]?.isInForce(at: wall) == true
    }

    package func isPaused(_ lane: Lane, _ sender: SenderID, at wall: WallTime) -> Bool {
        // Asked for every delivery, and hardly ever is there any.
        guard !lanes.isEmpty || !senders.isEmpty else { return false }
        return isPaused(lane, at: wall) || senders[sender]?.isInForce(at: wall) == true
    }

    /// When a delivery of this lane and sender is looked at again; at once if nothing is paused.
    package func due(
        _ lane: Lane, _ sender: SenderID, at wall: WallTime, using random: inout SeededGenerator
    ) -> WallTime {
        var due = wall
        for pause in [lanes[lane], senders[sender]] {
            guard let pause, pause.isInForce(at: wall) else { continue }
            due = max(due, pause.due(at: wall, using: &random))
        }
        return due
    }
}

/// Nothing of a lane, or of a sender, is sent for a while.
package struct Pause: Equatable, Sendable {
    package var since: WallTime
    /// It ends by itself then; nil: when somebody ends it.
    package var until: WallTime?

    package init(since: WallTime, until: WallTime? = nil) {
        self.since = since
        self.until = until
    }

    func isInForce(at wall: WallTime) -> Bool { until.map { wall < $0 } ?? true }

    /// What is put off costs a look at it each time it comes back, and is that late when the pause
    /// ends: both are bounded by half the age that the pause has.
    static let shortestWait: Duration = .seconds(30)
    static let longestWait: Duration = .seconds(900)

    /// Up to a fifth earlier, so that what was put off together does not come back together.
    package func due(at wall: WallTime, using random: inout SeededGenerator) -> WallTime {
        let wait = min(max((wall - since) / 2, Self.shortestWait), Self.longestWait)
        let due = wall + wait * Int.random(in: 80...100, using: &random) / 100
        return until.map { min($0, due) } ?? due
    }
}
