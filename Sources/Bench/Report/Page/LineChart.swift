/// Lines over seconds, as SVG.
struct LineChart {
    struct Line {
        var name: String
        var points: [(second: Double, value: Double)]
    }

    var title: String
    var unit: String
    var lines: [Line]
    /// A dashed vertical line: where what is judged begins and ends.
    var marks: [Double] = []

    private static let (width, height) = (760.0, 260.0)
    private static let (left, right, top, bottom) = (64.0, 12.0, 10.0, 34.0)

    var svg: String {
        let points = lines.flatMap(\.points)
        let x = Axis(covering: points.map(\.second).max() ?? 1)
        let y = Axis(covering: points.map(\.value).max() ?? 1)
        func across(_ second: Double) -> Double {
            Self.left + second / x.end * (Self.width - Self.left - Self.right)
        }
        func down(_ value: Double) -> Double {
            Self.height - Self.bottom - value / y.end * (Self.height - Self.top - Self.bottom)
        }
        var parts = [Self.open(title)]
        for tick in y.ticks {
            parts.append(
                Self.rule(across(0), down(tick), across(x.end), down(tick))
                    + Self.label(across(0) - 6, down(tick) + 4, "end", Axis.label(tick)))
        }
        for tick in x.ticks {
            parts.append(
                Self.label(across(tick), Self.height - 16, "middle", Axis.label(tick)))
        }
        parts.append(Self.label(across(x.end), Self.height - 2, "end", "seconds"))
        for mark in marks where mark > 0 && mark <= x.end {
            parts.append(Self.rule(across(mark), down(0), across(mark), down(y.end), "mark"))
        }
        for (place, line) in lines.enumerated() where !line.points.isEmpty {
            let path = line.points.enumerated().map { index, point in
                (index == 0 ? "M" : "L") + Markup.number(across(max(point.second, 0))) + " "
                    + Markup.number(down(max(point.value, 0)))
            }
            parts.append("<path class=\"c\(place % Palette.count)\" d=\"\(path.joined())\"/>")
        }
        return
            "<figure><figcaption>\(Markup.escaped(title)), \(Markup.escaped(unit))</figcaption>\n"
            + parts.joined(separator: "\n") + "\n</svg>\n" + Markup.legend(lines.map(\.name))
            + "</figure>"
    }

    static func open(_ title: String, height: Double = height) -> String {
        "<svg viewBox=\"0 0 \(Markup.number(width)) \(Markup.number(height))\" role=\"img\" "
            + "aria-label=\"\(Markup.escaped(title))\">"
    }

    static func rule(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String = "grid"
    ) -> String {
        "<line class=\"\(kind)\" x1=\"\(Markup.number(x1))\" y1=\"\(Markup.number(y1))\" "
            + "x2=\"\(Markup.number(x2))\" y2=\"\(Markup.number(y2))\"/>"
    }

    static func label(_ x: Double, _ y: Double, _ anchor: String, _ text: String) -> String {
        "<text x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\" text-anchor=\"\(anchor)\">"
            + "\(Markup.escaped(text))</text>"
    }
}
