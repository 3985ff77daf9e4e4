/// A JSON value that is written for scripts: members in the order in which they are given, and
/// `null` where there is nothing, so that every key is always there.
enum JSON {
    case null
    case string(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case array([JSON])
    case object([(String, JSON)])

    static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
    static func optional(_ number: Int?) -> JSON { number.map { .integer(Int64($0)) } ?? .null }
    static func integer(_ number: Int) -> JSON { .integer(Int64(number)) }

    /// On one line.
    var compact: String {
        var text = ""
        write(to: &text, indentation: nil)
        return text
    }

    /// Indented, for eyes and for `jq` alike.
    var indented: String {
        var text = ""
        write(to: &text, indentation: 0)
        return text
    }

    private func write(to text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .string(let value): Self.write(value, to: &text)
        case .integer(let value): text += String(value)
        // JSON knows no infinity and no NaN (RFC 8259 section 6).
        case .number(let value): text += value.isFinite ? String(value) : "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .array(let values):
            Self.writeList(values, in: ("[", "]"), to: &text, indentation) { value, text, inner in
                value.write(to: &text, indentation: inner)
            }
        case .object(let members):
            Self.writeList(members, in: ("{", "}"), to: &text, indentation) {
                member, text, inner in
                Self.write(member.0, to: &text)
                text += inner == nil ? ":" : ": "
                member.1.write(to: &text, indentation: inner)
            }
        }
    }

    private static func writeList<Element>(
        _ elements: [Element], in brackets: (String, String), to text: inout String,
        _ indentation: Int?, write: (Element, inout String, Int?) -> Void
    ) {
        text += brackets.0
        let inner = indentation.map { $0 + 2 }
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            write(element, &text, inner)
        }
        if let indentation, !elements.isEmpty {
            text += "\n" + String(repeating: " ", count: indentation)
        }
        text += brackets.1
    }

    /// RFC 8259 section 7. Also escaped: DEL and the line ends that JavaScript knows.
    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<" ", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
