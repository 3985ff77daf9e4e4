/// What the admin server's metrics say of the workers: Prometheus' text format.
package struct MetricsText {
    private let lines: [Substring]

    package init(_ text: String) { lines = text.split(separator: "\n") }

    /// Seconds of the workers' CPU so far, by stage.
    package var stageSeconds: [String: Double] {
        values(of: "trunkline_cpu_seconds_total", by: "stage")
    }

    /// Workers that deliver; nil: it is another program's.
    package var readyWorkers: Int? {
        values(of: "trunkline_workers", by: "state")["ready"].map { Int($0) }
    }

    private func values(of name: String, by label: String) -> [String: Double] {
        let start = "\(name){\(label)=\""
        var values: [String: Double] = [:]
        for line in lines where line.hasPrefix(start) {
            let rest = line.dropFirst(start.count)
            guard let quote = rest.firstIndex(of: "\""), let blank = rest.lastIndex(of: " "),
                let value = Double(rest[rest.index(after: blank)...])
            else { continue }
            values[String(rest[..<quote]), default: 0] += value
        }
        return values
    }
}
