/// How long a single delivery waits before its next attempt: exponential with full jitter.
///
/// Full jitter (a uniform share of the ceiling) spreads the retries of one fan-out best; the floor
/// keeps a lucky draw from hammering. Ceilings: 30 s, 90 s, 4.5 min, 13.5 min, 40 min, 2 h, 4 h ...
package struct Backoff: Equatable, Sendable {
    package var first: Duration
    package var factor: Int
    package var ceiling: Duration
    package var floor: Duration

    package init(
        first: Duration = .seconds(30), factor: Int = 3, ceiling: Duration = .seconds(14_400),
        floor: Duration = .seconds(1)
    ) {
        self.first = first
        self.factor = factor
        self.ceiling = ceiling
        self.floor = floor
    }

    /// - Parameter attempt: 0 after the first failed attempt.
    package func delay(attempt: Int, using random: inout SeededGenerator) -> Duration {
        var limit = first
        for _ in 0..<min(attempt, 16) where limit < ceiling { limit *= factor }
        let milliseconds = max(min(limit, ceiling).wholeMilliseconds, 1)
        let drawn = Duration.milliseconds(Int64.random(in: 0...milliseconds, using: &random))
        return max(drawn, floor)
    }
}
