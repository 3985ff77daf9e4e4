/// Dates as HTTP writes them: IMF-fixdate only (RFC 9110 section 5.6.7), e.g.
/// `Wed, 02 Sep 2026 09:05:07 GMT`.
///
/// Strict, since receivers exist that parse with a fixed pattern (BookWyrm, Mobilizon): two-digit
/// day, "GMT", the right day of the week. All values are seconds since 1970.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Nil when the text is not exactly an IMF-fixdate of a day that exists, since 1970.
    static func seconds(in text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 29, String(decoding: bytes[25...], as: UTF8.self) == " GMT",
            bytes[3] == UInt8(ascii: ","), bytes[4] == UInt8(ascii: " "),
            bytes[7] == UInt8(ascii: " "), bytes[11] == UInt8(ascii: " "),
            bytes[16] == UInt8(ascii: " "), bytes[19] == UInt8(ascii: ":"),
            bytes[22] == UInt8(ascii: ":"),
            let day = number(bytes[5..<7]), let year = number(bytes[12..<16]),
            let hour = number(bytes[17..<19]), let minute = number(bytes[20..<22]),
            let second = number(bytes[23..<25]), hour < 24, minute < 60, second < 61,
            let month = months.firstIndex(of: String(decoding: bytes[8..<11], as: UTF8.self))
        else { return nil }
        let ordinal = dayNumber(year: year, month: month + 1, day: day)
        guard ordinal >= 0,
            text == self.text(for: ordinal * 86_400 + hour * 3_600 + minute * 60 + second)
        else { return nil }
        return ordinal * 86_400 + hour * 3_600 + minute * 60 + second
    }

    static func text(for seconds: Int64) -> String {
        let (ordinal, time) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = civil(ordinal)
        let clock = [time / 3_600, time / 60 % 60, time % 60].map(twoDigits)
        return "\(days[Int(ordinal % 7)]), \(twoDigits(day)) \(months[Int(month) - 1]) \(year) "
            + clock.joined(separator: ":") + " GMT"
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func twoDigits(_ value: Int64) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }

    /// Days since 1970 of a Gregorian date (H. Hinnant, "chrono-compatible date algorithms").
    private static func dayNumber(year: Int64, month: Int, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * Int64(month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    /// The inverse of `dayNumber`.
    private static func civil(_ ordinal: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = ordinal + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
