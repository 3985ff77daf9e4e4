/// A worker's own slot: what it does, where it is and what it has counted.

package import DeliveryCore
internal import Glibc
internal import Synchronization
package import Telemetry

package final class ScoreboardSlot {
    private let map: MemoryMap
    private let slot: UnsafeMutablePointer<Word>

    /// Takes the slot over for this process, in the state `starting`.
    ///
    /// - Parameter descriptor: the inherited memory file; it may be closed afterwards.
    package init(
        descriptor: Int32, slot number: Int, incarnation: Incarnation
    ) throws(ScoreboardError) {
        let map = try MemoryMap(opening: descriptor)
        guard number >= 0, number < map.slots else {
            throw .noSuchSlot(number, slots: map.slots)
        }
        let name = Array(incarnation.rawValue.utf8)
        let limit = SlotField.incarnationWords * 8
        guard name.count <= limit else {
            throw .incarnationTooLong(name.count, limit: limit)
        }
        slot = map.slot(number)
        self.map = map
        for index in 0..<SlotField.incarnationWords {
            let bytes = name.dropFirst(index * 8).prefix(8)
            let word = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            store(word, at: SlotField.incarnation + index)
        }
        store(UInt64(name.count), at: SlotField.incarnationLength)
        store(UInt64(getpid()), at: SlotField.pid)
        store(WorkerState.starting.rawValue, at: SlotField.state)
    }

    /// Says what comes into hand now: whatever fails until `leave` is put down to it.
    ///
    /// - Parameter item: nil: no single one. Then a crash counts against nothing.
    package func enter(_ stage: Stage, _ item: WorkItem? = nil) {
        let (kind, first, second) = WorkItem.words(of: item)
        store(kind, at: SlotField.item)
        store(first, at: SlotField.item + 1)
        store(second, at: SlotField.item + 2)
        slot[SlotField.stage].store(stage.rawValue, ordering: .releasing)
    }

    package func leave() {
        slot[SlotField.stage].store(Stage.idle.rawValue, ordering: .releasing)
    }

    /// Once a turn or a heartbeat: some 4 kB are copied.
    package func publish(_ metrics: Metrics, state: WorkerState, at now: Instant) {
        for (index, word) in metrics.words.enumerated() {
            store(word, at: SlotField.metrics + index)
        }
        store(UInt64(bitPattern: now.nanoseconds), at: SlotField.heartbeat)
        store(state.rawValue, at: SlotField.state)
    }

    private func store(_ value: UInt64, at field: Int) {
        slot[field].store(value, ordering: .relaxed)
    }
}
