/// The supervisor's side: makes the memory file and reads every slot.

internal import CProcess
package import DeliveryCore
internal import Glibc
internal import Synchronization
package import Telemetry

/// Unchecked, because it holds a pointer: what it points at is only touched through atomics, and
/// `clear` may only be called when the slot has no writer.
package final class Scoreboard: @unchecked Sendable {
    /// What workers inherit; close-on-exec in this process.
    package let descriptor: Int32
    private let map: MemoryMap

    package init(slots: Int) throws(ScoreboardError) {
        descriptor = memfd_create(
            "trunkline-scoreboard", UInt32(MFD_CLOEXEC) | UInt32(MFD_ALLOW_SEALING))
        guard descriptor >= 0 else { throw .system("memfd_create", errno) }
        do throws(ScoreboardError) {
            map = try Self.makeMap(descriptor, slots: slots)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func makeMap(
        _ descriptor: Int32, slots: Int
    ) throws(ScoreboardError) -> MemoryMap {
        guard ftruncate(descriptor, MemoryMap.byteCount(slots)) == 0 else {
            throw .system("ftruncate", errno)
        }
        // A worker that shrank it would take the supervisor down with SIGBUS.
        let seals = Int32(trunkline_seals_of_size)
        guard fcntl(descriptor, Int32(trunkline_add_seals), seals) == 0 else {
            throw .system("seal", errno)
        }
        return try MemoryMap(creating: slots, in: descriptor)
    }

    package var slotCount: Int { map.slots }

    /// What one slot says now. Unknown words (a stage of another build can't be: see the layout)
    /// read as idle and absent.
    package func read(_ number: Int) -> SlotReading {
        let slot = map.slot(number)
        func load(_ field: Int) -> UInt64 { slot[field].load(ordering: .relaxed) }
        let stage = Stage(rawValue: slot[SlotField.stage].load(ordering: .acquiring)) ?? .idle
        let length = min(
            Int(clamping: load(SlotField.incarnationLength)), SlotField.incarnationWords * 8)
        let name = (0..<length).map { index in
            UInt8(truncatingIfNeeded: load(SlotField.incarnation + index / 8) >> (index % 8 * 8))
        }
        let metrics = (0..<ScoreboardLayout.wordCount).map { load(SlotField.metrics + $0) }
        return SlotReading(
            pid: Int32(truncatingIfNeeded: load(SlotField.pid)),
            incarnation: Incarnation(rawValue: String(decoding: name, as: UTF8.self)),
            state: WorkerState(rawValue: load(SlotField.state)) ?? .absent,
            heartbeat: Instant(nanoseconds: Int64(bitPattern: load(SlotField.heartbeat))),
            stage: stage,
            item: WorkItem(words: (0..<SlotField.itemWords).map { load(SlotField.item + $0) }),
            metrics: Metrics(words: metrics))
    }

    package func readAll() -> [SlotReading] { (0..<slotCount).map(read) }

    /// Makes the slot as new, for the next worker. Its last one must have been reaped.
    package func clear(_ number: Int) {
        let slot = map.slot(number)
        for field in 0..<SlotField.slotWords { slot[field].store(0, ordering: .relaxed) }
    }
}

/// What a slot said at one moment, give or take.
package struct SlotReading: Equatable, Sendable {
    package var pid: Int32
    package var incarnation: Incarnation
    package var state: WorkerState
    package var heartbeat: Instant
    package var stage: Stage
    /// What the stage was about; of the last one when the stage is `idle`.
    package var item: WorkItem?
    package var metrics: Metrics

    package init(
        pid: Int32, incarnation: Incarnation, state: WorkerState, heartbeat: Instant,
        stage: Stage, item: WorkItem?, metrics: Metrics
    ) {
        self.pid = pid
        self.incarnation = incarnation
        self.state = state
        self.heartbeat = heartbeat
        self.stage = stage
        self.item = item
        self.metrics = metrics
    }
}
