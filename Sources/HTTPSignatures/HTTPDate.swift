package import DeliveryCore

/// HTTP dates (RFC 9110 section 5.6.7), by arithmetic on the proleptic Gregorian calendar.
package enum HTTPDate {
    static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, 29 bytes: the form to send.
    ///
    /// Fractions of a second are dropped, never rounded up: PeerTube and NodeBB refuse a date 2 s
    /// ahead of theirs. Years outside 0...9999 have no such form and are clamped into it.
    package static func imfFixdate(_ time: WallTime) -> [UInt8] {
        let latest: Int64 = 253_402_300_799  // 9999-12-31T23:59:59Z
        let earliest: Int64 = -62_167_219_200  // 0000-01-01T00:00:00Z
        let seconds = min(max(wholeSeconds(time), earliest), latest)
        let days = floorDivide(seconds, by: 86_400)
        let second = Int(seconds - days * 86_400)
        let date = CivilDate(daysSince1970: Int(days))
        var text: [UInt8] = []
        text.reserveCapacity(29)
        text += weekdays[weekday(daysSince1970: Int(days))].utf8
        text += ", ".utf8
        append(date.day, digits: 2, to: &text)
        text += " \(months[date.month - 1]) ".utf8
        append(date.year, digits: 4, to: &text)
        text.append(UInt8(ascii: " "))
        append(second / 3_600, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(second / 60 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(second % 60, digits: 2, to: &text)
        text += " GMT".utf8
        return text
    }

    /// Whole seconds since 1970, rounded down also before it.
    package static func wholeSeconds(_ time: WallTime) -> Int64 {
        floorDivide(time.milliseconds, by: 1_000)
    }

    /// 0 is Thursday, the day that 1970 began on.
    static func weekday(daysSince1970 days: Int) -> Int { ((days % 7) + 7) % 7 }

    private static func append(_ number: Int, digits: Int, to text: inout [UInt8]) {
        var divisor = digits == 4 ? 1_000 : 10
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}

private func floorDivide(_ number: Int64, by divisor: Int64) -> Int64 {
    let quotient = number / divisor
    return number % divisor < 0 ? quotient - 1 : quotient
}
