/// Log-linear buckets: every power of two is cut into equal steps.
///
/// Finding a bucket is a count of leading zeros, a shift and a mask, and the error of a quantile is
/// at most half a step: 1/4 of the value at 2 steps, 1/8 at 4.
package struct HistogramShape: Hashable, Sendable {
    package enum Unit: Hashable, Sendable {
        /// Recorded in nanoseconds, shown in seconds (Prometheus' base unit).
        case seconds
        case count
    }

    package let unit: Unit
    /// The first bucket ends at 2^lowest, the last one at 2^highest, nanoseconds or pieces.
    private let lowest: Int
    private let highest: Int
    private let stepBits: Int

    static func seconds(from lowest: Int, to highest: Int, steps: Int) -> Self {
        Self(unit: .seconds, lowest: lowest, highest: highest, steps: steps)
    }

    static func count(from lowest: Int, to highest: Int, steps: Int) -> Self {
        Self(unit: .count, lowest: lowest, highest: highest, steps: steps)
    }

    private init(unit: Unit, lowest: Int, highest: Int, steps: Int) {
        stepBits = steps.trailingZeroBitCount
        precondition(steps == 1 << stepBits && lowest >= stepBits && highest > lowest)
        self.unit = unit
        self.lowest = lowest
        self.highest = highest
    }

    /// Buckets with an upper bound; one more takes what is above the last.
    package var bucketCount: Int { 1 + (highest - lowest) << stepBits }

    /// The words of one series: the buckets, what is above them, the sum.
    var wordCount: Int { bucketCount + 2 }

    /// The bucket of a value, `bucketCount` if it is above the last. A bound belongs to the bucket
    /// below it (`le` means less or equal).
    package func bucket(of value: UInt64) -> Int {
        let below = value == 0 ? 0 : value - 1
        let exponent = 63 - (below | 1).leadingZeroBitCount
        if exponent < lowest { return 0 }
        if exponent >= highest { return bucketCount }
        let step = Int(truncatingIfNeeded: below >> (exponent - stepBits)) & (1 << stepBits - 1)
        return 1 + (exponent - lowest) << stepBits + step
    }

    package func upperBound(of bucket: Int) -> UInt64 {
        if bucket == 0 { return 1 << lowest }
        let (octave, step) = ((bucket - 1) >> stepBits, (bucket - 1) & (1 << stepBits - 1))
        return UInt64(1 << stepBits + step + 1) << (lowest + octave - stepBits)
    }
}
