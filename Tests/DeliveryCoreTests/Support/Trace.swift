import DeliveryCore

/// A machine and its clocks, for tests that read as protocol traces: feed an event, compare what
/// is asked for.
///
/// Nothing is answered behind the test's back: the helpers in `Trace+Steps` only spare it the ids.
struct Trace {
    private(set) var machine: DeliveryMachine
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var wall = WallTime(milliseconds: 1_800_000_000_000)
    /// Everything asked for since the start.
    private(set) var history: [Action] = []
    /// What PostgreSQL knows of activities: stored just now in lane normal, unless a test says so.
    var activities: [ActivityID: PreparedFacts.Activity] = [:]
    var lane = Lane.normal

    /// - Parameter change: of the configuration, which has one partition here.
    init(_ change: (inout WorkerConfiguration) -> Void = { _ in }) {
        var configuration = WorkerConfiguration()
        configuration.partitionCount = 1
        // Shares of the slots are switched on by the tests that are about them.
        configuration.urgentPercent = 0
        configuration.suspectPercent = 100
        configuration.probePercent = 100
        change(&configuration)
        machine = DeliveryMachine(incarnation: me, configuration: configuration, seed: 1)
    }

    @discardableResult
    mutating func feed(_ event: Event) -> [Action] {
        let actions = machine.handle(event, now: now, wall: wall)
        history += actions
        return actions
    }

    /// Moves the clocks in one step, as for a process that was frozen.
    mutating func jump(_ duration: Duration) {
        now = now + duration
        wall = wall + duration
    }

    /// Lets time pass in one step and ticks.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [Action] {
        jump(duration)
        return feed(.ticked)
    }

    /// Lets time pass with a tick and a renewed lease every 100 ms, as for a worker that is well.
    @discardableResult
    mutating func live(_ duration: Duration) -> [Action] {
        var actions: [Action] = []
        let end = now + duration
        while now < end {
            var turn = pass(min(.milliseconds(100), end - now))
            if turn.contains("renewLeases") {
                turn += feed(.leasesRenewed(kept: turn.renewedLeases, lost: [], sent: now))
            }
            actions += turn
        }
        return actions
    }

    var gauges: DeliveryMachine.Gauges { machine.gauges }
}
