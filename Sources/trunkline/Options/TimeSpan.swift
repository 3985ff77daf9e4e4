/// Lengths of time as people write them: a number with s, m, h or d.
enum TimeSpan {
    private static let units: [(unit: Character, length: Int64)] = [
        ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1),
    ]

    /// nil unless it is digits and a unit.
    static func seconds(in text: Substring) -> Int64? {
        guard let unit = units.first(where: { $0.unit == text.last }),
            let count = decimal(text.dropLast())
        else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit.length)
        return overflow ? nil : seconds
    }

    /// Digits only: `Int64` itself would also take a sign.
    static func decimal(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { 48...57 ~= $0 } ? Int64(text) : nil
    }

    /// In the largest unit of which it is a whole number.
    static func text(_ seconds: Int64) -> String {
        for (unit, length) in units where length > 1 && seconds > 0 && seconds % length == 0 {
            return "\(seconds / length)\(unit)"
        }
        return "\(seconds)s"
    }
}
