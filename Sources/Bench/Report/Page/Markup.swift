/// Text as it stands in HTML and SVG.
enum Markup {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// For a coordinate: a tenth of a pixel is enough.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    static func table(_ headings: [String], _ rows: [[String]]) -> String {
        let head = headings.map { "<th>\(escaped($0))</th>" }.joined()
        let body = rows.map { row in
            "<tr>" + row.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
        }
        return "<table>\n<thead><tr>\(head)</tr></thead>\n<tbody>\n"
            + body.joined(separator: "\n") + "\n</tbody>\n</table>"
    }

    /// What a colour stands for.
    static func legend(_ names: [String]) -> String {
        let entries = names.enumerated().map { place, name in
            "<li><span class=\"swatch c\(place % Palette.count)\"></span>\(escaped(name))</li>"
        }
        return "<ul class=\"legend\">\(entries.joined())</ul>"
    }
}

/// Colours that are told apart by those who see red and green alike (Okabe and Ito), with black
/// left out: one set stands on light and on dark.
enum Palette {
    static let colors = [
        "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b8a900", "#888888",
    ]
    static var count: Int { colors.count }

    static var css: String {
        colors.enumerated().map { place, color in
            "path.c\(place){stroke:\(color)}rect.c\(place){fill:\(color)}"
                + "span.c\(place){background:\(color)}"
        }.joined(separator: "\n")
    }
}
