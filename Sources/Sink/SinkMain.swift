import Dispatch
import FoundationEssentials
import Glibc

/// `trunkline sink` from its start to its report.
package enum SinkMain {
    private static let signals = [SIGTERM, SIGINT, SIGHUP]

    /// Runs until SIGTERM or SIGINT, then ends all connections and writes the report. SIGHUP reads
    /// the rules again.
    ///
    /// - Parameter ready: called once it listens.
    /// - Throws: `SinkError` when it cannot start, or cannot write the report.
    package static func run(
        _ configuration: SinkConfiguration, ready: (SinkPorts) -> Void = { _ in }
    ) async throws {
        let (arrivals, sources) = watch()
        defer {
            for source in sources { source.cancel() }
            for number in Self.signals { signal(number, SIG_DFL) }
        }
        let server = try SinkServer(configuration)
        let ports = try await server.start()
        SinkLog(format: configuration.logFormat).ready(ports)
        ready(ports)

        for await arrival in arrivals {
            guard arrival == SIGHUP else { break }
            await server.reloadRules()
        }
        await server.stop()
        if let file = configuration.reportFile {
            try write(await server.report.json, to: file)
        }
    }

    /// Signals as a sequence, from before anything is started: none is lost.
    private static func watch() -> (AsyncStream<Int32>, [any DispatchSourceSignal]) {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let sources = signals.map { number in
            // Else the default action would still end the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
        return (stream, sources)
    }

    private static func write(_ text: String, to file: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw SinkError("report \(file): \(error)")
        }
    }
}
