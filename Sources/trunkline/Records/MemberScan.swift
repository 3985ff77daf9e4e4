/// Finds the string member `id` of a JSON object that may be cut short anywhere, as rejected bodies
/// are: no parser takes those.
struct MemberScan {
    private var rest: Substring.UnicodeScalarView
    private var depth = 0

    /// nil: there is none before the text ends, or stops to be JSON.
    static func id(in text: String) -> String? {
        var scan = MemberScan(rest: text.unicodeScalars[...])
        return scan.run()
    }

    private init(rest: Substring.UnicodeScalarView) { self.rest = rest }

    private mutating func run() -> String? {
        while let next = rest.popFirst() {
            switch next {
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            case "\"":
                guard let word = string() else { return nil }
                guard word == "id", depth == 1, skip(":") else { continue }
                return skip("\"") ? string() : nil
            default: break
            }
        }
        return nil
    }

    /// What follows the opening quote up to the closing one; nil: the text ends before.
    private mutating func string() -> String? {
        var word = String.UnicodeScalarView()
        while let next = rest.popFirst() {
            if next == "\"" { return String(word) }
            // Of an escape the letter stands for itself: right for `/`, all that ids have of them.
            if next == "\\" {
                guard let escaped = rest.popFirst() else { return nil }
                word.append(escaped)
            } else {
                word.append(next)
            }
        }
        return nil
    }

    /// Takes white space, and this scalar if it comes next.
    private mutating func skip(_ wanted: Unicode.Scalar) -> Bool {
        while let next = rest.first, next.properties.isWhitespace { rest.removeFirst() }
        guard rest.first == wanted else { return false }
        rest.removeFirst()
        return true
    }
}
