/// Whether Redis still has of a partition what it was given.
///
/// It keeps a **mark** beside the partition's data, and PostgreSQL says what the mark must say and
/// which Redis process was the last to be found whole. A mark that is missing or of another
/// generation means that the data is gone (FLUSHALL, a start without AOF, an order to rebuild).
/// Another process with the right mark has read the data from its AOF, from a snapshot or as a
/// replica: all of it up to some moment. The mark tells a moment before that one.
package enum PartitionCondition: Equatable, Sendable {
    /// Fan-outs up to this activity may still come a second time: they were rebuilt.
    case whole(through: ActivityID)
    /// What was stored up to this activity is there; what came later may be missing.
    case rolledBack(after: ActivityID)
    case lost

    package init(_ mark: PartitionMark?, by process: String, record: PartitionRecord) {
        guard let mark, mark.generation == record.generation else {
            self = .lost
            return
        }
        self =
            record.process == process
            ? .whole(through: mark.through) : .rolledBack(after: mark.through)
    }

    package var isWhole: Bool { if case .whole = self { true } else { false } }
}

/// What Redis says of its data of a partition: `GENERATION THROUGH`.
package struct PartitionMark: Equatable, Sendable {
    package var generation: String
    /// Activities up to this one were on their way through Redis when the mark was written, or were
    /// rebuilt: whatever Redis keeps of the partition beside this mark is complete as far as they go.
    package var through: ActivityID

    package init(generation: String, through: ActivityID) {
        self.generation = generation
        self.through = through
    }

    /// nil: it is not one.
    package init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, !words[0].isEmpty, let through = Int64(words[1]), through >= 0
        else {
            return nil
        }
        self.init(generation: String(words[0]), through: ActivityID(rawValue: through))
    }

    package var text: String { "\(generation) \(through.rawValue)" }
}

/// What PostgreSQL says of a partition.
package struct PartitionRecord: Equatable, Sendable {
    package var generation: String
    /// The run id of the Redis process that was last found whole; nil: none was yet.
    package var process: String?

    package init(generation: String, process: String?) {
        self.generation = generation
        self.process = process
    }
}
