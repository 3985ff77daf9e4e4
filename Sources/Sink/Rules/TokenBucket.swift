/// So many requests a second, with one second's worth (at least one) saved up at most.
struct TokenBucket: Equatable {
    private let perSecond: Double
    private var tokens: Double
    private var filledAt: Int64

    /// Full at first; `now` in milliseconds.
    init(perSecond: Double, now: Int64) {
        self.perSecond = perSecond
        tokens = max(1, perSecond)
        filledAt = now
    }

    /// Nil: taken. Else the whole seconds until there is one again, at least 1.
    mutating func take(now: Int64) -> Int? {
        let gained = Double(max(0, now - filledAt)) / 1_000 * perSecond
        tokens = min(max(1, perSecond), tokens + gained)
        filledAt = max(filledAt, now)
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return max(1, Int(((1 - tokens) / perSecond).rounded(.up)))
    }
}
