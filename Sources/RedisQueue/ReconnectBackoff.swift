/// How long to wait before the next attempt to connect: doubles from 50 ms to 5 s, of which the
/// upper half is drawn, so that many workers do not come back as one.
struct ReconnectBackoff {
    static let first: Duration = .milliseconds(50)
    static let ceiling: Duration = .seconds(5)

    private(set) var attempts = 0

    /// - Parameter draw: uniform in 0 ..< 1.
    mutating func next(draw: Double) -> Duration {
        var limit = Self.first
        for _ in 0..<min(attempts, 16) where limit < Self.ceiling { limit *= 2 }
        attempts += 1
        limit = min(limit, Self.ceiling)
        return limit / 2 + limit / 2 * draw
    }

    mutating func reset() { attempts = 0 }
}
