/// A glob: `*` stands for any bytes, none included, `?` for one.
struct GlobPattern: Equatable, Sendable {
    private let pattern: [UInt8]

    init(_ text: String) { pattern = Array(text.utf8) }

    /// Greedy with one step back: linear but for patterns with many stars.
    func matches(_ text: String) -> Bool {
        let text = Array(text.utf8)
        var (at, inPattern) = (0, 0)
        var lastStar: (pattern: Int, text: Int)?
        while at < text.count {
            if inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") {
                lastStar = (inPattern, at)
                inPattern += 1
            } else if inPattern < pattern.count,
                pattern[inPattern] == UInt8(ascii: "?") || pattern[inPattern] == text[at]
            {
                at += 1
                inPattern += 1
            } else if let star = lastStar {
                at = star.text + 1
                inPattern = star.pattern + 1
                lastStar = (star.pattern, at)
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
