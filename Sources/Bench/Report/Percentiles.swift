/// Times of one lane, in milliseconds: of so many the middle one, the 99th in a hundred and so on.
///
/// All times are kept and sorted, so each figure is one of them (nearest rank), not an estimate.
package struct Percentiles: Codable, Equatable, Sendable {
    package var count: Int
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var max: Double

    /// Nil when there are none.
    package init?(_ times: [Double]) {
        guard !times.isEmpty else { return nil }
        let sorted = times.sorted()
        func rank(_ perMille: Int) -> Double {
            sorted[Swift.max((sorted.count * perMille + 999) / 1_000, 1) - 1]
        }
        count = sorted.count
        (p50, p90, p99, p999) = (rank(500), rank(900), rank(990), rank(999))
        max = sorted[sorted.count - 1]
    }

    package static let names = ["p50", "p90", "p99", "p99.9", "max"]
    package var values: [Double] { [p50, p90, p99, p999, max] }
}
