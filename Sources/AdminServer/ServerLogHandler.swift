internal import Logging

/// Hummingbird's own words, without those that are told better elsewhere: where it listens is the
/// caller's to say, and that it was cancelled is how it always ends.
struct ServerLogHandler: LogHandler {
    private var base: any LogHandler

    init(_ base: any LogHandler) { self.base = base }

    func log(event: LogEvent) {
        var event = event
        if Self.isExpected(event.message.description) { event.level = .debug }
        if event.level >= base.logLevel { base.log(event: event) }
    }

    private static func isExpected(_ message: String) -> Bool {
        message.hasPrefix("Server started and listening")
            || message.hasPrefix("Waiting on child channel: CancellationError")
    }

    // MARK: The rest is the base's

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }
}
