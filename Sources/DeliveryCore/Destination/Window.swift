/// How many transfers a host gets at once: additive increase, multiplicative decrease (RFC 5681),
/// with a memory of the size at which it refused.
///
/// The memory matters: a host that serves two at a time and refuses the third would be asked for
/// three after every few successes, and refuse one request in five for ever. So beyond the size
/// that was refused the window grows only after ``patience`` successes, which double each time.
package struct Window: Equatable, Sendable {
    package static let initial = 4.0
    static let decrease = 0.7
    /// Successes before the size that was refused is tried again, at first and at most.
    static let patienceLimits = 64...4_096

    /// Fractional: a success adds 1/size.
    package private(set) var size: Double
    private let largest: Double
    /// Slow start ends here: below it every success adds one.
    private var threshold: Double
    /// The size at which it last refused.
    private var refusedSize: Double?
    private var patience = Self.patienceLimits.lowerBound
    private var successesAtLimit = 0
    /// The refused size that was tried again last.
    private var triedSize: Double?
    /// Of transfers sent before this, failures say nothing new.
    private var reducedAt: Instant?

    /// - Parameter largest: connections to one host.
    package init(largest: Int) {
        self.largest = Double(largest)
        size = min(Self.initial, self.largest)
        threshold = size
    }

    /// Transfers that may be in flight.
    package var limit: Int { max(Int(size), 1) }

    /// - Parameter wasFull: a window that is not used up proves nothing and does not grow.
    package mutating func succeeded(wasFull: Bool) {
        guard wasFull, size < largest else { return }
        var grown = size < threshold ? size + 1 : size + 1 / size
        if let refusedSize, grown >= refusedSize {
            successesAtLimit += 1
            guard successesAtLimit >= patience else { return }
            successesAtLimit = 0
            triedSize = refusedSize
            self.refusedSize = nil
            grown = refusedSize
        }
        size = min(grown, largest)
    }

    /// The host, or the way to it, had too much.
    ///
    /// - Parameters:
    ///   - sent: when the transfer that shows it was begun: what was under way together counts
    ///     once.
    mutating func congested(sent: Instant, at now: Instant) {
        if let reducedAt, sent <= reducedAt { return }
        reducedAt = now
        let refusedAgain = triedSize.map { size < $0 + 1 } ?? false
        patience =
            refusedAgain
            ? min(patience * 2, Self.patienceLimits.upperBound) : Self.patienceLimits.lowerBound
        triedSize = nil
        refusedSize = max(size.rounded(.down), 1)
        successesAtLimit = 0
        size = max(size * Self.decrease, 1)
        threshold = size
    }

    /// After an outage: one at first, doubling with every round of answers.
    mutating func restart() {
        size = 1
        threshold = min(Self.initial, largest)
        successesAtLimit = 0
    }
}
