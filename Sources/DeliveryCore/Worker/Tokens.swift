/// Names for what is under way, so that a late answer finds only what it was asked for. Counted up
/// and never used again by one worker.

package struct TransferToken: Counted, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

package struct ExpansionID: Counted, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

package struct PreparationID: Counted, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Also the flush's sequence in PostgreSQL: a flush that is repeated keeps it, so that one whose
/// COMMIT was lost on the way changes nothing the second time.
package struct FlushID: Counted, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

package struct StocktakingID: Counted, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

package struct ResolutionID: Counted, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}
