/// The workers' CPU by stage, out of the admin server's metrics.
package enum StageSeconds {
    /// - Parameter metrics: Prometheus' text format.
    package static func read(_ metrics: some StringProtocol) -> [String: Double] {
        var seconds: [String: Double] = [:]
        for line in metrics.split(separator: "\n") where line.hasPrefix(start) {
            let rest = line.dropFirst(start.count)
            guard let quote = rest.firstIndex(of: "\""), let blank = rest.lastIndex(of: " "),
                let value = Double(rest[rest.index(after: blank)...])
            else { continue }
            seconds[String(rest[..<quote]), default: 0] += value
        }
        return seconds
    }

    private static let start = "trunkline_cpu_seconds_total{stage=\""
}
