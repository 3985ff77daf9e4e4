package import DeliveryCore

extension HTTPDate {
    /// Reads all three forms (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850 with a two-digit year,
    /// and asctime.
    ///
    /// nil for anything else, also for a day that does not exist. The weekday is not compared with
    /// the date: servers get it wrong, and the date is what counts. A leap second (`:60`) is the
    /// second after.
    ///
    /// - Parameter now: Decides the century of a two-digit year: what would be more than 50 years
    ///   ahead is the past.
    package static func parse(_ text: some StringProtocol, now: WallTime) -> WallTime? {
        guard text.utf8.count <= 64 else { return nil }
        var scanner = Scanner(Array(text.utf8))
        scanner.skipBlanks()
        guard let weekday = scanner.word() else { return nil }
        let parsed: WallTime?
        if scanner.take(",") {
            guard scanner.take(" ") else { return nil }
            parsed =
                shortWeekdays.contains(weekday)
                ? imfFixdate(&scanner) : rfc850(weekday: weekday, &scanner, now: now)
        } else {
            parsed = shortWeekdays.contains(weekday) ? asctime(&scanner) : nil
        }
        scanner.skipBlanks()
        return scanner.isAtEnd ? parsed : nil
    }

    private static let shortWeekdays = weekdays.map { Array($0.utf8) }
    private static let longWeekdays = [
        "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday",
    ].map { Array($0.utf8) }

    /// `06 Nov 1994 08:49:37 GMT`
    private static func imfFixdate(_ scanner: inout Scanner) -> WallTime? {
        guard let day = scanner.number(digits: 2), scanner.take(" "),
            let month = scanner.month(), scanner.take(" "),
            let year = scanner.number(digits: 4), scanner.take(" "),
            let second = scanner.timeOfDay(), scanner.take(" GMT")
        else { return nil }
        return time(CivilDate(year: year, month: month, day: day), second)
    }

    /// `06-Nov-94 08:49:37 GMT`
    private static func rfc850(
        weekday: [UInt8], _ scanner: inout Scanner, now: WallTime
    ) -> WallTime? {
        guard longWeekdays.contains(weekday),
            let day = scanner.number(digits: 2), scanner.take("-"),
            let month = scanner.month(), scanner.take("-"),
            let twoDigits = scanner.number(digits: 2), scanner.take(" "),
            let second = scanner.timeOfDay(), scanner.take(" GMT")
        else { return nil }
        let today = CivilDate(daysSince1970: Int(wholeSeconds(now) / 86_400))
        var year = today.year / 100 * 100 + twoDigits
        if year > today.year + 50 { year -= 100 }
        if year <= today.year - 50 { year += 100 }
        return time(CivilDate(year: year, month: month, day: day), second)
    }

    /// `Nov  6 08:49:37 1994`
    private static func asctime(_ scanner: inout Scanner) -> WallTime? {
        guard scanner.take(" "), let month = scanner.month(), scanner.take(" "),
            let day = scanner.take(" ") ? scanner.number(digits: 1) : scanner.number(digits: 2),
            scanner.take(" "), let second = scanner.timeOfDay(), scanner.take(" "),
            let year = scanner.number(digits: 4)
        else { return nil }
        return time(CivilDate(year: year, month: month, day: day), second)
    }

    private static func time(_ date: CivilDate, _ second: Int) -> WallTime? {
        guard date.exists else { return nil }
        return WallTime(milliseconds: Int64(date.daysSince1970 * 86_400 + second) * 1_000)
    }
}

/// Takes a date apart from left to right; every method leaves the position alone when it fails.
private struct Scanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skipBlanks() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 {
            position += 1
        }
    }

    mutating func take(_ literal: String) -> Bool {
        guard bytes[position...].starts(with: literal.utf8) else { return false }
        position += literal.utf8.count
        return true
    }

    mutating func word() -> [UInt8]? {
        let letters = bytes[position...].prefix {
            (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        }
        guard !letters.isEmpty else { return nil }
        position += letters.count
        return Array(letters)
    }

    mutating func number(digits: Int) -> Int? {
        let taken = bytes[position...].prefix(digits)
        guard taken.count == digits, taken.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        position += digits
        return taken.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    mutating func month() -> Int? {
        let taken = bytes[position...].prefix(3)
        guard let index = HTTPDate.months.firstIndex(where: { $0.utf8.elementsEqual(taken) }) else {
            return nil
        }
        position += 3
        return index + 1
    }

    /// `08:49:37` as seconds since midnight.
    mutating func timeOfDay() -> Int? {
        guard let hour = number(digits: 2), take(":"), let minute = number(digits: 2), take(":"),
            let second = number(digits: 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }
}
