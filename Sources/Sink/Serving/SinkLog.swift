import FoundationEssentials
import Glibc

/// What the sink says on standard error: a line for each event, as text or as JSON.
package struct SinkLog: Sendable {
    package enum Format: String, Sendable, CaseIterable { case text, json }

    private let format: Format

    package init(format: Format) { self.format = format }

    func ready(_ ports: SinkPorts) {
        write(
            text: "ready https=\(ports.https) http=\(ports.http)",
            event: Event(event: "ready", https: ports.https, http: ports.http))
    }

    func inform(_ message: String) {
        write(text: message, event: Event(event: "info", message: message))
    }

    func warn(_ message: String) {
        write(text: "warning: \(message)", event: Event(event: "warning", message: message))
    }

    private struct Event: Encodable {
        let event: String
        var message: String?
        var https: Int?
        var http: Int?
    }

    /// One write(2) a line, so that lines of several processes on one pipe do not mix.
    private func write(text: String, event: Event) {
        var line: [UInt8]
        switch format {
        case .text: line = Array(text.utf8)
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            line = (try? encoder.encode(event)).map(Array.init) ?? []
        }
        line.append(UInt8(ascii: "\n"))
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
}
