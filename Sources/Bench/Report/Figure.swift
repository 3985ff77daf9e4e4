/// Numbers for eyes: three digits that count, thousands apart.
package enum Figure {
    package static func text(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let size = abs(value)
        let decimals = size == 0 ? 0 : size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0
        return fixed(value, decimals)
    }

    package static func count(_ value: Int) -> String { fixed(Double(value), 0) }

    package static func megabytes(_ bytes: Int) -> String { text(Double(bytes) / 1_000_000) }

    /// Rounded half away from zero.
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "-" }
        var unit: Int64 = 1
        for _ in 0..<decimals { unit *= 10 }
        let scaled = Int64((abs(value) * Double(unit)).rounded())
        var whole = String(scaled / unit)
        var groups: [Substring] = []
        while whole.count > 3 {
            groups.insert(whole.suffix(3), at: 0)
            whole.removeLast(3)
        }
        var text = ([whole] + groups.map(String.init)).joined(separator: ",")
        if decimals > 0 {
            let part = String(scaled % unit)
            text += "." + String(repeating: "0", count: decimals - part.count) + part
        }
        return value < 0 && scaled > 0 ? "-" + text : text
    }
}
