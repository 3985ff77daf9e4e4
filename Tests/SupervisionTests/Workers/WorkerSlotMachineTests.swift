import DeliveryCore
import Supervision
import Testing

@Suite struct WorkerSlotMachineTests {
    private var machine = WorkerSlotMachine()

    private func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1_000_000_000))
    }

    private func pause(
        _ action: WorkerSlotMachine.Action?
    ) throws -> WorkerSlotMachine.Pause {
        guard case .pause(let pause) = action else {
            throw Unexpected(action: action)
        }
        return pause
    }

    private struct Unexpected: Error { let action: WorkerSlotMachine.Action? }

    private mutating func start(at now: Instant) {
        #expect(machine.startRequested() == .spawn)
        machine.spawned(at: now)
    }

    @Test mutating func `a worker that dies at once is started again ever later, up to 30 s`()
        throws
    {
        start(at: at(0))
        var lengths: [Duration] = []
        for _ in 0..<11 {
            let pause = try pause(machine.died(at: at(1), killed: false))
            lengths.append(pause.length)
            #expect(machine.pauseEnded(pause) == .spawn)
            machine.spawned(at: at(1))
        }
        #expect(
            lengths == [
                .milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800),
                .milliseconds(1_600), .milliseconds(3_200), .milliseconds(6_400),
                .milliseconds(12_800), .milliseconds(25_600), .seconds(30), .seconds(30),
            ])
    }

    @Test mutating func `a worker that is killed again and again is missed for a second`() throws {
        start(at: at(0))
        var lengths: [Duration] = []
        for _ in 0..<6 {
            let pause = try pause(machine.died(at: at(1), killed: true))
            lengths.append(pause.length)
            #expect(machine.pauseEnded(pause) == .spawn)
            machine.spawned(at: at(1))
        }
        #expect(
            lengths == [
                .milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800),
                .seconds(1), .seconds(1),
            ])
    }

    @Test(arguments: [(59.9, Duration.milliseconds(200)), (60.0, .milliseconds(100))])
    mutating func `a minute of health makes good for what was before`(
        life: Double, length: Duration
    ) throws {
        start(at: at(0))
        let first = try pause(machine.died(at: at(1), killed: false))
        #expect(machine.pauseEnded(first) == .spawn)
        machine.spawned(at: at(2))
        #expect(try pause(machine.died(at: at(2 + life), killed: false)).length == length)
    }

    @Test mutating func `a failed spawn counts like a death`() throws {
        #expect(machine.startRequested() == .spawn)
        let first = try pause(machine.spawnFailed())
        #expect(first.length == .milliseconds(100))
        #expect(machine.pauseEnded(first) == .spawn)
        #expect(try pause(machine.spawnFailed()).length == .milliseconds(200))
    }

    @Test mutating func `a late timer starts nothing`() throws {
        start(at: at(0))
        let first = try pause(machine.died(at: at(1), killed: false))
        #expect(machine.pauseEnded(first) == .spawn)
        #expect(machine.pauseEnded(first) == nil)
        machine.spawned(at: at(1))
        #expect(machine.pauseEnded(first) == nil)
        let second = try pause(machine.died(at: at(1), killed: false))
        #expect(machine.pauseEnded(first) == nil)
        #expect(machine.pauseEnded(second) == .spawn)
    }

    @Test mutating func `a drained worker is not started again`() {
        start(at: at(0))
        #expect(machine.drainRequested() == .closeLifeline)
        #expect(machine.drainRequested() == nil)
        #expect(machine.died(at: at(1), killed: false) == .finish)
        #expect(machine.state == .ended)
        #expect(machine.deadlinePassed() == nil)
        #expect(machine.startRequested() == nil)
    }

    @Test mutating func `a worker that outlives the deadline is killed`() {
        start(at: at(0))
        #expect(machine.deadlinePassed() == nil, "nobody asked it to drain")
        #expect(machine.drainRequested() == .closeLifeline)
        #expect(machine.deadlinePassed() == .kill)
        #expect(machine.died(at: at(1), killed: false) == .finish)
    }

    @Test mutating func `a drain during a pause ends it`() throws {
        start(at: at(0))
        let pause = try pause(machine.died(at: at(1), killed: false))
        #expect(machine.drainRequested() == .finish)
        #expect(machine.pauseEnded(pause) == nil)
        #expect(machine.state == .ended)
    }

    @Test mutating func `a drain before the start leaves nothing to start`() {
        #expect(machine.drainRequested() == .finish)
        #expect(machine.startRequested() == nil)
    }
}
