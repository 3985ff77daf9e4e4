package import DeliveryCore

/// The `Retry-After` field (RFC 9110 section 10.2.3): seconds, or an HTTP date in any of its forms.
package enum RetryAfter {
    /// No server means a longer pause, and every duration below it can be added to any clock.
    static let secondsLimit: Int64 = 10 * 365 * 86_400

    /// How long to wait from `now`; zero for a date that has passed, nil for what is neither form.
    ///
    /// Not clamped to what is sensible for a host: that is for whoever judges the answer.
    package static func parse(_ text: some StringProtocol, now: WallTime) -> Duration? {
        let value = text.utf8.drop { isBlank($0) }
        let digits = value.prefix { (0x30...0x39).contains($0) }
        if !digits.isEmpty, value.dropFirst(digits.count).allSatisfy({ isBlank($0) }) {
            let seconds = digits.reduce(Int64(0)) {
                min($0 * 10 + Int64($1 - 0x30), secondsLimit)
            }
            return .seconds(seconds)
        }
        guard let date = HTTPDate.parse(text, now: now) else { return nil }
        return bounded(date - now)
    }

    static func bounded(_ pause: Duration) -> Duration {
        min(max(pause, .zero), .seconds(secondsLimit))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
