/// What a pool of workers consists of, and who is told what becomes of them.

package import DeliveryCore
package import Scoreboard
package import Telemetry

package struct WorkerPlan: Sendable {
    package var count: Int
    /// Absolute; `/proc/self/exe` is this program, also after its file was replaced.
    package var program: String
    /// What `ps` shows instead of the path.
    package var name: String
    package var arguments: @Sendable (_ slot: Int, Incarnation) -> [String]
    /// nil: ours.
    package var environment: [String: String]?

    /// Called at once when a process has been reaped, whatever it died of: release what it owned.
    /// Its successor does not wait for that.
    package var onDeath: @Sendable (Incarnation) async -> Void
    /// Called before `onDeath`, which waits for it: what a crash counts against is known before
    /// anybody else can get hold of it.
    package var onCrash: @Sendable (WorkerCrash) async -> Void

    /// The descriptor under which workers find the scoreboard; tell them in `arguments`.
    package static let scoreboardDescriptor = Command.firstInherited

    package init(
        count: Int, program: String, name: String,
        arguments: @escaping @Sendable (_ slot: Int, Incarnation) -> [String],
        environment: [String: String]? = nil,
        onDeath: @escaping @Sendable (Incarnation) async -> Void,
        onCrash: @escaping @Sendable (WorkerCrash) async -> Void
    ) {
        self.count = count
        self.program = program
        self.name = name
        self.arguments = arguments
        self.environment = environment
        self.onDeath = onDeath
        self.onCrash = onCrash
    }
}

/// A worker that its own fault ended (SEGV, ABRT, ILL, BUS, FPE) with something in hand.
package struct WorkerCrash: Equatable, Sendable {
    package var slot: Int
    package var incarnation: Incarnation
    package var signal: Int32
    package var stage: Stage
    /// nil: the stage is about no single one, so nothing is to blame.
    package var item: WorkItem?

    package init(
        slot: Int, incarnation: Incarnation, signal: Int32, stage: Stage, item: WorkItem?
    ) {
        self.slot = slot
        self.incarnation = incarnation
        self.signal = signal
        self.stage = stage
        self.item = item
    }

    /// nil: it had no stage, or it was somebody's `kill`.
    package init?(
        _ slot: Int, _ incarnation: Incarnation, _ exit: ProcessExit, _ reading: SlotReading
    ) {
        guard case .killed(let signal) = exit, exit.isFault, reading.stage != .idle else {
            return nil
        }
        self.init(
            slot: slot, incarnation: incarnation, signal: signal, stage: reading.stage,
            item: reading.item)
    }
}
