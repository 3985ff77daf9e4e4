import DeliveryCore
import Telemetry
import Testing

@Suite struct PrometheusTextTests {
    private func lines(_ metrics: Metrics, _ prefix: String) -> [Substring] {
        PrometheusText.render(metrics).split(separator: "\n").filter { $0.hasPrefix(prefix) }
    }

    @Test func `a counter is one line for each combination of its labels`() {
        var metrics = Metrics()
        metrics.increment(.deliveries(.normal, .delivered), by: 7)
        let lines = lines(metrics, "trunkline_deliveries_total")
        #expect(lines.count == 4 * 5)
        #expect(lines.contains(#"trunkline_deliveries_total{lane="normal",state="delivered"} 7"#))
        #expect(lines.contains(#"trunkline_deliveries_total{lane="backfill",state="failed"} 0"#))
    }

    @Test func `a counter keeps every digit`() {
        var metrics = Metrics()
        metrics.increment(.fenced, by: .max)
        #expect(lines(metrics, "trunkline_fenced_total") == ["trunkline_fenced_total \(Int.max)"])
    }

    @Test func `time that is counted in nanoseconds is shown in seconds`() {
        var metrics = Metrics()
        metrics.increment(.cpu(.sign), by: 1_250_000_000)
        #expect(
            lines(metrics, "trunkline_cpu_seconds_total{stage=\"sign\"}")
                == ["trunkline_cpu_seconds_total{stage=\"sign\"} 1.25"])
        #expect(
            lines(metrics, "# TYPE trunkline_cpu_seconds_total").first?.hasSuffix(" counter")
                == true)
    }

    @Test func `a histogram is cumulative, in seconds, and ends in its count`() {
        var metrics = Metrics()
        metrics.observe(.httpDuration, .microseconds(100))
        metrics.observe(.httpDuration, .microseconds(140))
        metrics.observe(.httpDuration, .seconds(1_000))
        let lines = lines(metrics, "trunkline_http_seconds")
        #expect(lines.first == #"trunkline_http_seconds_bucket{le="0.000131072"} 1"#)
        #expect(lines[1] == #"trunkline_http_seconds_bucket{le="0.00016384"} 2"#)
        #expect(
            lines.suffix(4) == [
                #"trunkline_http_seconds_bucket{le="68.719476736"} 2"#,
                #"trunkline_http_seconds_bucket{le="+Inf"} 3"#,
                "trunkline_http_seconds_sum 1000.00024", "trunkline_http_seconds_count 3",
            ])
    }

    @Test func `le stands behind the other labels`() {
        #expect(
            lines(Metrics(), "trunkline_enqueue_to_delivered_seconds_bucket").first
                == #"trunkline_enqueue_to_delivered_seconds_bucket{lane="urgent",le="0.001048576"} 0"#
        )
    }

    @Test func `a count of rows is not in seconds`() {
        var metrics = Metrics()
        metrics.observe(.flushRows, count: 500)
        #expect(lines(metrics, "trunkline_flush_rows_sum") == ["trunkline_flush_rows_sum 500"])
    }

    @Test func `every line is one of the format, every family is described once`() throws {
        let line = try Regex(
            #"[a-z_]+(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? [0-9]+(\.[0-9]+)?"#)
        var described: [Substring] = []
        for text in PrometheusText.render(Metrics()).split(separator: "\n") {
            if text.hasPrefix("#") {
                let words = text.split(separator: " ", maxSplits: 3)
                #expect(words.count == 4 && (words[1] == "HELP" || words[1] == "TYPE"))
                if words[1] == "TYPE" { described.append(words[2]) }
            } else {
                #expect(text.wholeMatch(of: line) != nil, "\(text)")
                #expect(text.hasPrefix(described.last ?? "-"))
            }
        }
        #expect(Set(described).count == described.count)
        #expect(described.count == Family.allCases.count)
    }

    @Test(arguments: [
        (#"a "b" \ c"#, true, #"a \"b\" \\ c"#), ("a\nb", true, #"a\nb"#),
        (#"a "b" \ c"#, false, #"a "b" \\ c"#), ("a\nb", false, #"a\nb"#),
    ])
    func `odd characters are escaped`(text: String, quotes: Bool, expected: String) {
        #expect(PrometheusText.escaped(text, quotes: quotes) == expected)
    }
}
