internal import ArgumentParser
internal import Glibc

/// A point in time as people write it: seconds since 1970, or a number with s, m, h or d from now.
struct ExpiryTime {
    /// As the `expires` field of an intake entry takes it.
    let field: String

    /// Nobody means a time beyond it: milliseconds since 1970 lie fifty thousand years ahead.
    private static let longestSpan: Int64 = 100 * 365 * 86_400

    /// - Throws: what an option's error says behind the value.
    init(words: String) throws(ValidationError) {
        let now = Int64(time(nil))
        if let seconds = TimeSpan.decimal(words[...]) {
            guard seconds <= now + Self.longestSpan else {
                throw ValidationError(
                    "that is more than 100 years ahead: digits alone are seconds since 1970, not "
                        + "milliseconds.")
            }
            field = String(seconds)
            return
        }
        guard let span = TimeSpan.seconds(in: words[...]) else {
            throw ValidationError("give seconds since 1970, or from now, as 90s, 30m, 6h or 2d.")
        }
        guard span <= Self.longestSpan else {
            throw ValidationError(
                "that is more than 100 years ahead: give a shorter time, or leave the option out.")
        }
        field = String(now + span)
    }
}
