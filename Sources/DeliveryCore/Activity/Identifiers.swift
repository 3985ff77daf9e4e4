/// The identifiers of everything that is queued: small integers inside, made by PostgreSQL.

/// A number that PostgreSQL, or a worker, has counted up (or, of a sender, has hashed).
///
/// Nobody outside can choose it, so that many would fall on one place of a table: it is scattered by
/// ``SeededGenerator/mix(_:)``, in ten instructions. `Hasher` takes 170, sixty times an event, a
/// sixth of what the core costs; and only this requirement, which the standard library has for
/// its own integers, goes round it.
package protocol Counted: RawRepresentable, Hashable where RawValue: FixedWidthInteger {}

extension Counted {
    package func _rawHashValue(seed: Int) -> Int {
        let value = UInt64(truncatingIfNeeded: rawValue) ^ UInt64(truncatingIfNeeded: seed)
        return Int(truncatingIfNeeded: SeededGenerator.mix(value))
    }
}

/// One stored activity. The number carries the day it was stored in (days since 1970 UTC in the
/// bits from 40 up), so that a daily partition is a range of numbers and a reference names its
/// partition without a lookup.
package struct ActivityID: Counted, Comparable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    package init(day: Int, sequence: Int64) {
        rawValue = Int64(day) << 40 | sequence & 0xFF_FFFF_FFFF
    }

    /// Before all others.
    package static let zero = ActivityID(rawValue: 0)

    package var day: Int { Int(rawValue >> 40) }

    package static func < (left: ActivityID, right: ActivityID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One inbox URL (`trunkline.inbox.id`).
package struct InboxID: Counted, Comparable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
    package static func < (left: InboxID, right: InboxID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One remote host (`trunkline.host.id`): the unit of scheduling.
package struct HostID: Counted, Comparable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
    package static func < (left: HostID, right: HostID) -> Bool { left.rawValue < right.rawValue }
}

/// Who signs: a hash of the key id. Two senders with one hash share turns and pauses.
package struct SenderID: Counted, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// Whose key nobody has looked up yet.
    package static let unknown = SenderID(rawValue: 0)
    package static func < (left: SenderID, right: SenderID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The number of a partition, 0 ..< P; a host belongs to one for good.
package struct PartitionNumber: Counted, Comparable, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static func < (left: PartitionNumber, right: PartitionNumber) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// How often a partition has changed hands. PostgreSQL counts it; whoever holds an older one has
/// been fenced off and may change nothing.
package struct Epoch: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static func < (left: Epoch, right: Epoch) -> Bool { left.rawValue < right.rawValue }
}

/// The id of a Redis stream entry, `milliseconds-sequence`.
package struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let milliseconds: UInt64
    package let sequence: UInt64

    package init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    package static let zero = StreamID(milliseconds: 0, sequence: 0)

    /// nil unless the text is two decimal numbers joined by `-`.
    package init?(_ text: String) {
        var rest = Substring(text).utf8
        guard let milliseconds = Self.takeNumber(&rest), rest.popFirst() == UInt8(ascii: "-"),
            let sequence = Self.takeNumber(&rest), rest.isEmpty
        else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    private static func takeNumber(_ text: inout Substring.UTF8View) -> UInt64? {
        let digits = text.prefix { 48...57 ~= $0 }
        text = text[digits.endIndex...]
        return UInt64(Substring(digits))
    }

    package var description: String { "\(milliseconds)-\(sequence)" }

    package static func < (left: StreamID, right: StreamID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }
}

/// The name of one life of one worker process: unique for ever, so that a restarted worker never
/// passes for its predecessor. Letters, digits, `.`, `-` and `_` only: it stands in Redis values.
package struct Incarnation: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package static func < (left: Incarnation, right: Incarnation) -> Bool {
        left.rawValue < right.rawValue
    }
}
