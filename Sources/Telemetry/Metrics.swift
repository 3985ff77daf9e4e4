/// The metrics of one process, or of several added up.

internal import DeliveryCore

package struct Metrics: Equatable, Sendable {
    /// Laid out by `ScoreboardLayout`.
    package private(set) var words: [UInt64]

    package init() { words = Array(repeating: 0, count: ScoreboardLayout.wordCount) }

    /// - Parameter words: as many as the layout has: what another process of this binary wrote.
    package init(words: [UInt64]) {
        precondition(words.count == ScoreboardLayout.wordCount)
        self.words = words
    }

    package mutating func increment(_ counter: Counter, by amount: Int = 1) {
        words[counter.word] &+= UInt64(truncatingIfNeeded: amount)
    }

    package mutating func set(_ gauge: Gauge, to value: Int) {
        words[gauge.word] = UInt64(clamping: value)
    }

    package mutating func observe(_ histogram: Histogram, _ duration: Duration) {
        observe(histogram, UInt64(clamping: duration.wholeNanoseconds))
    }

    package mutating func observe(_ histogram: Histogram, count: Int) {
        observe(histogram, UInt64(clamping: count))
    }

    package subscript(counter: Counter) -> UInt64 { words[counter.word] }
    package subscript(gauge: Gauge) -> Int { Int(clamping: words[gauge.word]) }

    package func count(of histogram: Histogram) -> UInt64 {
        words[histogram.word...histogram.word + histogram.shape.bucketCount].reduce(0, &+)
    }

    /// In nanoseconds or pieces; nil when nothing was observed. Linear within the bucket; of what
    /// is above the last bucket no more is known than that.
    ///
    /// - Parameter share: 0.5 is the median.
    package func quantile(_ share: Double, of histogram: Histogram) -> UInt64? {
        let total = count(of: histogram)
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var below = 0.0
        for bucket in 0..<histogram.shape.bucketCount {
            let count = Double(words[histogram.word + bucket])
            if count > 0, below + count >= rank {
                let upper = histogram.shape.upperBound(of: bucket)
                let lower = bucket == 0 ? 0 : histogram.shape.upperBound(of: bucket - 1)
                return lower + UInt64(Double(upper - lower) * max(rank - below, 0) / count)
            }
            below += count
        }
        return histogram.shape.upperBound(of: histogram.shape.bucketCount - 1)
    }

    private mutating func observe(_ histogram: Histogram, _ value: UInt64) {
        words[histogram.word + histogram.shape.bucket(of: value)] &+= 1
        words[histogram.word + histogram.shape.bucketCount + 1] &+= value
    }
}

extension Metrics {
    /// What one installation shows: its living workers, its supervisor, and what workers that have
    /// ended had counted. Without the last, counters would fall with every restart.
    package static func total(
        workers: [Metrics], supervisor: Metrics, ended: Metrics
    ) -> Metrics {
        var total = Metrics()
        for family in Family.allCases {
            for word in ScoreboardLayout.words(of: family) {
                let values = workers.map { $0.words[word] }
                total.words[word] =
                    switch Family.definitions[family.rawValue].kind {
                    case .counter, .secondsCounter, .histogram:
                        values.reduce(supervisor.words[word] &+ ended.words[word], &+)
                    case .gauge(.sum): values.reduce(0, &+)
                    case .gauge(.largest): values.max() ?? 0
                    case .gauge(.smallest): values.min() ?? 0
                    case .gauge(.supervisor): supervisor.words[word]
                    }
            }
        }
        return total
    }

    /// Takes over what another process had counted; its gauges ended with it.
    package mutating func add(endedWorker other: Metrics) {
        for family in Family.allCases {
            if case .gauge = Family.definitions[family.rawValue].kind { continue }
            for word in ScoreboardLayout.words(of: family) {
                words[word] &+= other.words[word]
            }
        }
    }
}
