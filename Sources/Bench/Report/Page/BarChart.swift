/// Groups of bars that lie, each with its figure behind it, as SVG.
struct BarChart {
    struct Group {
        var name: String
        var bars: [(name: String, value: Double)]
    }

    var title: String
    var unit: String
    var groups: [Group]

    private static let (width, bar, gap, left, right) = (760.0, 18.0, 12.0, 150.0, 80.0)

    var svg: String {
        let axis = Axis(covering: groups.flatMap(\.bars).map(\.value).max() ?? 1)
        let rows = groups.reduce(0) { $0 + $1.bars.count }
        let height = Double(rows) * Self.bar + Double(groups.count) * Self.gap + 10
        var parts = [LineChart.open(title, height: height)]
        var y = 6.0
        for group in groups {
            for (place, bar) in group.bars.enumerated() {
                let length = max(bar.value, 0) / axis.end * (Self.width - Self.left - Self.right)
                let name = [group.name, bar.name].filter { !$0.isEmpty }.joined(separator: " ")
                parts.append(LineChart.label(Self.left - 8, y + 13, "end", name))
                parts.append(
                    "<rect class=\"c\(place % Palette.count)\" x=\"\(Markup.number(Self.left))\" "
                        + "y=\"\(Markup.number(y + 1))\" width=\"\(Markup.number(max(length, 1)))\" "
                        + "height=\"\(Markup.number(Self.bar - 3))\"/>")
                parts.append(
                    LineChart.label(
                        Self.left + length + 6, y + 13, "start", Figure.text(bar.value)))
                y += Self.bar
            }
            y += Self.gap
        }
        return
            "<figure><figcaption>\(Markup.escaped(title)), \(Markup.escaped(unit))</figcaption>\n"
            + parts.joined(separator: "\n") + "\n</svg></figure>"
    }
}
