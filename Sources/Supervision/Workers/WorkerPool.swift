/// The supervisor's workers: as many processes as there are slots, kept running until `drain`.
///
/// Each slot is a `WorkerSlotMachine`; this actor performs its actions and tells it what happened.
/// A worker holds one end of a socket pair as its standard input and drains when that ends, so it also
/// survives no supervisor: the kernel closes the other end, however the supervisor died.

internal import DeliveryCore
internal import Glibc
package import Logging
package import Scoreboard
package import Telemetry

package actor WorkerPool {
    package nonisolated let board: Scoreboard
    private let plan: WorkerPlan
    private let log: Logger
    private var slots: [Slot]
    /// What workers that have ended had counted.
    private var endedWorkers = Metrics()
    private var metrics = Metrics()
    private var drained: [CheckedContinuation<Void, Never>] = []
    private var killed = 0
    /// Callbacks under way.
    private var untold = 0

    private struct Slot {
        var machine = WorkerSlotMachine()
        var process: ChildProcess?
        var incarnation = Incarnation(rawValue: "")
    }

    package init(_ plan: WorkerPlan, log: Logger) throws(ScoreboardError) {
        self.plan = plan
        self.log = log
        board = try Scoreboard(slots: plan.count)
        slots = Array(repeating: Slot(), count: plan.count)
    }

    package func start() {
        for slot in slots.indices {
            if let action = slots[slot].machine.startRequested() { run(action, slot) }
        }
    }

    /// Asks every worker to finish what it has, and waits until all have ended and the plan's
    /// callbacks have returned (bound their time).
    ///
    /// - Parameter deadline: what lives longer than this is killed.
    /// - Returns: how many had to be.
    @discardableResult
    package func drain(deadline: Duration) async -> Int {
        for slot in slots.indices {
            if let action = slots[slot].machine.drainRequested() { run(action, slot) }
        }
        let timer = Task {
            try await Task.sleep(for: deadline)
            deadlinePassed(deadline)
        }
        defer { timer.cancel() }
        if !isDone { await withCheckedContinuation { drained.append($0) } }
        return killed
    }

    /// What every slot does and what all of them have counted.
    package func status() -> PoolStatus {
        let readings = board.readAll()
        for state in WorkerState.allCases {
            metrics.set(.workers(state), to: readings.count { $0.state == state })
        }
        // A slot without a worker says nothing of Redis and PostgreSQL.
        let living = readings.filter { $0.state != .absent }.map(\.metrics)
        return PoolStatus(
            workers: zip(slots, readings).map { slot, reading in
                PoolStatus.Worker(
                    pid: slot.process?.pid, incarnation: slot.incarnation, reading: reading)
            },
            metrics: .total(workers: living, supervisor: metrics, ended: endedWorkers))
    }

    /// Counts a line that the supervisor itself logged.
    package func count(_ level: MessageLevel) { metrics.increment(.logMessages(level)) }

    // MARK: Actions

    private func run(_ action: WorkerSlotMachine.Action, _ slot: Int) {
        switch action {
        case .spawn: spawn(slot)
        case .pause(let pause):
            Task {
                try? await Task.sleep(for: pause.length)
                pauseEnded(pause, slot)
            }
        case .closeLifeline: slots[slot].process?.closeLifeline()
        case .kill:
            killed += 1
            slots[slot].process?.send(signal: SIGKILL)
        case .finish: resumeIfDone()
        }
    }

    /// Off the way of the slot, which goes on at once.
    private func tell(_ callback: @escaping @Sendable (WorkerPlan) async -> Void) {
        untold += 1
        Task {
            await callback(plan)
            untold -= 1
            resumeIfDone()
        }
    }

    private var isDone: Bool {
        untold == 0 && slots.allSatisfy { $0.machine.state == .ended }
    }

    private func resumeIfDone() {
        guard isDone else { return }
        for continuation in drained { continuation.resume() }
        drained.removeAll()
    }

    private func spawn(_ slot: Int) {
        let incarnation = Self.makeIncarnation(slot)
        let command = Command(
            path: plan.program, name: plan.name, arguments: plan.arguments(slot, incarnation),
            environment: plan.environment, input: .lifeline, inherited: [board.descriptor])
        do {
            let process = try ChildProcess(command)
            slots[slot].process = process
            slots[slot].incarnation = incarnation
            slots[slot].machine.spawned(at: Self.now)
            log.info(
                "worker started",
                metadata: [
                    "slot": "\(slot)", "pid": "\(process.pid)", "id": "\(incarnation.rawValue)",
                ])
            Task { await died(slot, process, process.exit()) }
        } catch {
            log.error(
                "a worker can't be started", metadata: ["slot": "\(slot)", "why": "\(error)"])
            metrics.increment(.logMessages(.error))
            run(slots[slot].machine.spawnFailed(), slot)
        }
    }

    // MARK: Events

    private func died(_ slot: Int, _ process: ChildProcess, _ exit: ProcessExit) {
        let incarnation = slots[slot].incarnation
        let reading = board.read(slot)
        endedWorkers.add(endedWorker: reading.metrics)
        board.clear(slot)
        slots[slot].process = nil

        let wasAsked = slots[slot].machine.state == .draining
        report(slot, process, exit, reading, wasAsked: wasAsked)
        let crash = WorkerCrash(slot, incarnation, exit, reading)
        tell {
            if let crash { await $0.onCrash(crash) }
            await $0.onDeath(incarnation)
            await self.nudgeAll()
        }
        let killed = if case .killed = exit { !exit.isFault } else { false }
        run(slots[slot].machine.died(at: Self.now, killed: killed), slot)
    }

    /// The living need not wait for their next heartbeat to see that one is missing.
    private func nudgeAll() {
        for slot in slots { slot.process?.nudge() }
    }

    private func pauseEnded(_ pause: WorkerSlotMachine.Pause, _ slot: Int) {
        if let action = slots[slot].machine.pauseEnded(pause) { run(action, slot) }
    }

    private func deadlinePassed(_ deadline: Duration) {
        for slot in slots.indices {
            guard let action = slots[slot].machine.deadlinePassed() else { continue }
            log.warning(
                "a worker has not drained in time and is killed",
                metadata: ["slot": "\(slot)", "deadline": "\(deadline)"])
            metrics.increment(.logMessages(.warning))
            run(action, slot)
        }
    }

    private func report(
        _ slot: Int, _ process: ChildProcess, _ exit: ProcessExit, _ reading: SlotReading,
        wasAsked: Bool
    ) {
        var metadata: Logger.Metadata = ["slot": "\(slot)", "pid": "\(process.pid)"]
        if wasAsked, exit == .exited(0) {
            log.info("worker drained", metadata: metadata)
            return
        }
        if exit.isFault {
            metadata["stage"] = "\(reading.stage.name)"
            if reading.stage != .idle, let item = reading.item { metadata["item"] = "\(item)" }
        }
        log.error("worker \(exit)", metadata: metadata)
        metrics.increment(.logMessages(.error))
        if !wasAsked { metrics.increment(.workerDeaths(exit.death)) }
    }

    // MARK: Time and names

    private static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Never given twice, on whatever machine: 96 random bits.
    private static func makeIncarnation(_ slot: Int) -> Incarnation {
        let random = (0..<3).map { _ in
            let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.utf8.count) + digits
        }
        return Incarnation(rawValue: "\(slot)-\(random.joined())")
    }
}

extension ProcessExit {
    fileprivate var death: WorkerDeath {
        switch self {
        case .exited: .exited
        case .killed: isFault ? .crashed : .killed
        }
    }
}
