internal import Glibc
internal import Logging

/// Writes each message as one line to standard error, with a single write(2).
///
/// So lines of several processes on one pipe do not mix (up to PIPE_BUF), and there is no buffer
/// to lose and no lock to wait for. A write that fails is passed over: there is nobody to tell.
struct LineLogHandler: LogHandler {
    let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(format: LogFormat, logLevel: Logger.Level) {
        self.format = format
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let own = event.metadata { merged.merge(own) { $1 } }
        if let error = event.error { merged["error"] = "\(error)" }
        let line = LogLine(
            time: timestamp(time), level: event.level.rawValue, message: event.message.description,
            metadata: merged)
        let bytes: [UInt8] = Array((format == .text ? line.text : line.json).utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}

/// `2026-11-21T03:05:07.123Z`
func timestamp(_ time: timespec) -> String {
    var seconds = time.tv_sec
    var fields = tm()
    gmtime_r(&seconds, &fields)
    func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }
    let date = [
        padded(fields.tm_year + 1_900, 4), padded(fields.tm_mon + 1, 2), padded(fields.tm_mday, 2),
    ]
    let clock = [padded(fields.tm_hour, 2), padded(fields.tm_min, 2), padded(fields.tm_sec, 2)]
    return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + "."
        + padded(time.tv_nsec / 1_000_000, 3) + "Z"
}
