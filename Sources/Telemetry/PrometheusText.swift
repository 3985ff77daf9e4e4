/// Metrics in the text format that Prometheus scrapes (exposition format 0.0.4).
///
/// Numbers are written from integers, so that no counter loses a digit to a Double.
package enum PrometheusText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package static func render(_ metrics: Metrics) -> String {
        var text = ""
        for (family, offset) in zip(Family.definitions, ScoreboardLayout.offsets) {
            text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(family.kind.typeName)\n"
            for series in 0..<family.seriesCount {
                let labels = family.labelText(of: series)
                let word = offset + series * family.seriesWords
                switch family.kind {
                case .counter, .gauge:
                    line(&text, family.name, labels, String(metrics.words[word]))
                case .secondsCounter:
                    line(
                        &text, family.name, labels, seconds(metrics.words[word]))
                case .histogram(let shape):
                    let words = metrics.words[word..<word + shape.wordCount]
                    histogram(&text, family.name, labels, shape, words)
                }
            }
        }
        return text
    }

    private static func histogram(
        _ text: inout String, _ name: String, _ labels: [String], _ shape: HistogramShape,
        _ words: ArraySlice<UInt64>
    ) {
        var count: UInt64 = 0
        for bucket in 0..<shape.bucketCount {
            count &+= words[words.startIndex + bucket]
            let bound = shape.text(shape.upperBound(of: bucket))
            line(&text, name + "_bucket", labels + ["le=\"\(bound)\""], String(count))
        }
        count &+= words[words.startIndex + shape.bucketCount]
        line(&text, name + "_bucket", labels + ["le=\"+Inf\""], String(count))
        line(&text, name + "_sum", labels, shape.text(words[words.endIndex - 1]))
        line(&text, name + "_count", labels, String(count))
    }

    /// Nanoseconds in seconds, to the last digit.
    fileprivate static func seconds(_ value: UInt64) -> String {
        let (seconds, nanoseconds) = value.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanoseconds == 0 { return String(seconds) }
        let digits = String(nanoseconds)
        let padded = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        var end = padded.endIndex
        while padded[padded.index(before: end)] == "0" { end = padded.index(before: end) }
        return "\(seconds).\(padded[..<end])"
    }

    private static func line(
        _ text: inout String, _ name: String, _ labels: [String], _ value: String
    ) {
        text += name
        if !labels.isEmpty { text += "{" + labels.joined(separator: ",") + "}" }
        text += " " + value + "\n"
    }

    /// Label values escape `\`, `"` and line feed; help texts do not escape quotes.
    package static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Family.Definition {
    fileprivate func labelText(of series: Int) -> [String] {
        var rest = series
        var texts: [String] = []
        for label in labels.reversed() {
            let value = label.values[rest % label.values.count]
            let escaped = PrometheusText.escaped(value, quotes: true)
            texts.insert("\(label.name)=\"\(escaped)\"", at: 0)
            rest /= label.values.count
        }
        return texts
    }
}

extension Family.Kind {
    fileprivate var typeName: String {
        switch self {
        case .counter, .secondsCounter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}

extension HistogramShape {
    /// A value in the unit that is shown.
    fileprivate func text(_ value: UInt64) -> String {
        unit == .seconds ? PrometheusText.seconds(value) : String(value)
    }
}
