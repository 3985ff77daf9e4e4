package import DeliveryCore

/// `2026-11-21T12:00:00.123456Z`: the date of RFC 3339, a profile of ISO 8601.
package enum InternetDate {
    /// nil for anything else, also for a day that does not exist. What is below a second is dropped.
    package static func parse(_ text: some StringProtocol) -> WallTime? {
        let bytes = Array(text.utf8)
        guard (20...40).contains(bytes.count), bytes[4] == dash, bytes[7] == dash,
            bytes[10] | 0x20 == 0x74, bytes[13] == colon, bytes[16] == colon,
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]), hour < 24,
            let minute = number(bytes[14..<16]), minute < 60,
            let second = number(bytes[17..<19]), second <= 60
        else { return nil }
        var zone = bytes[19...]
        if zone.first == point {
            let fraction = zone.dropFirst().prefix { isDigit($0) }
            guard !fraction.isEmpty else { return nil }
            zone = zone.dropFirst(1 + fraction.count)
        }
        let date = CivilDate(year: year, month: month, day: day)
        guard date.exists, let offset = offset(Array(zone)) else { return nil }
        let seconds = date.daysSince1970 * 86_400 + hour * 3_600 + minute * 60 + second - offset
        return WallTime(milliseconds: Int64(seconds) * 1_000)
    }

    private static let dash = UInt8(ascii: "-")
    private static let colon = UInt8(ascii: ":")
    private static let point = UInt8(ascii: ".")

    /// `Z`, `+02:00`: seconds ahead of UTC.
    private static func offset(_ zone: [UInt8]) -> Int? {
        if zone.count == 1, zone[0] | 0x20 == 0x7A { return 0 }
        guard zone.count == 6, zone[0] == dash || zone[0] == UInt8(ascii: "+"), zone[3] == colon,
            let hours = number(zone[1..<3]), hours < 24, let minutes = number(zone[4..<6]),
            minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (zone[0] == dash ? -1 : 1)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy({ isDigit($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
