/// Requests per second over the last ten whole seconds.
struct RequestRate {
    static let seconds: Int64 = 10

    /// Counts by second modulo their number; one more than is averaged, for the running one.
    private var counts = [Int](repeating: 0, count: Int(seconds) + 1)
    private var newest: Int64 = 0

    mutating func count(at milliseconds: Int64) {
        advance(to: milliseconds / 1_000)
        counts[Int(newest) % counts.count] += 1
    }

    /// The running second is left out.
    func perSecond(at milliseconds: Int64) -> Double {
        var copy = self
        copy.advance(to: milliseconds / 1_000)
        let running = copy.counts[Int(copy.newest) % copy.counts.count]
        return Double(copy.counts.reduce(0, +) - running) / Double(Self.seconds)
    }

    /// Clears the seconds in which nothing came. Time that runs backwards counts as now.
    private mutating func advance(to second: Int64) {
        guard second > newest else { return }
        for passed in 1...min(second - newest, Int64(counts.count)) {
            counts[Int(newest + passed) % counts.count] = 0
        }
        newest = second
    }
}
