package import DeliveryCore

/// `X-RateLimit-Remaining` and `X-RateLimit-Reset`, and the same names without the `X-` of the
/// earlier drafts of draft-ietf-httpapi-ratelimit-headers.
///
/// No standard says what a reset is: Mastodon writes an ISO 8601 date, the draft seconds to wait,
/// others seconds or milliseconds since 1970.
package enum RateLimit {
    /// More seconds than this are a date, and more than the second one are milliseconds.
    private static let dateLimits: (seconds: Int64, milliseconds: Int64) =
        (1_000_000_000, 100_000_000_000)

    /// nil for what cannot be read. A reset that has passed is zero.
    package static func parse(
        remaining: some StringProtocol, reset: some StringProtocol, now: WallTime
    ) -> Quota? {
        guard let remaining = number(remaining), let reset = parse(reset: reset, now: now) else {
            return nil
        }
        return Quota(remaining: Int(remaining), reset: reset)
    }

    private static func parse(reset: some StringProtocol, now: WallTime) -> Duration? {
        let date: WallTime?
        if let number = number(reset) {
            if number < dateLimits.seconds { return RetryAfter.bounded(.seconds(number)) }
            let isSeconds = number < dateLimits.milliseconds
            date = WallTime(milliseconds: isSeconds ? number * 1_000 : number)
        } else {
            date = InternetDate.parse(reset) ?? HTTPDate.parse(reset, now: now)
        }
        return date.map { RetryAfter.bounded($0 - now) }
    }

    /// Digits alone, as many as no sum of them can overflow.
    private static func number(_ text: some StringProtocol) -> Int64? {
        let blanks: [UInt8] = [0x20, 0x09]
        let digits = text.utf8.drop { blanks.contains($0) }.prefix { !blanks.contains($0) }
        let rest = text.utf8.drop { blanks.contains($0) }.dropFirst(digits.count)
        guard (1...15).contains(digits.count), rest.allSatisfy({ blanks.contains($0) }),
            digits.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
}
