internal import ArgumentParser
internal import Logging

/// How the long-running commands write their log: one line per message, to standard error.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Form of the log: text or json. (env: TRUNKLINE_LOG_FORMAT; default: text)",
            valueName: "format"))
    var logFormat: LogFormat?

    @Option(
        help: ArgumentHelp(
            "The least that is logged: trace, debug, info, notice, warning, error, critical.",
            valueName: "level"))
    var logLevel = LogLevel.info

    static let formatVariable = "TRUNKLINE_LOG_FORMAT"

    /// The flag's value, or that of the variable.
    ///
    /// - Throws: ``CommandFailure`` of usage, when the variable holds anything else.
    static func format(_ flag: LogFormat?) throws(CommandFailure) -> LogFormat {
        if let flag { return flag }
        guard let value = environment(formatVariable) else { return .text }
        guard let format = LogFormat(rawValue: value) else {
            throw .usage("\(formatVariable) is `\(value.printable)`: it takes text or json")
        }
        return format
    }

    func format() throws(CommandFailure) -> LogFormat { try Self.format(logFormat) }

    /// Makes every `Logger` of this process write as asked. Once per process.
    func bootstrap() throws {
        let format = try format()
        let level = logLevel.level
        LoggingSystem.bootstrap { _ in LineLogHandler(format: format, logLevel: level) }
    }
}

enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text, json
}

/// swift-log's levels as a flag takes them: by their own names.
struct LogLevel: ExpressibleByArgument {
    let level: Logger.Level

    static let info = LogLevel(level: .info)

    init(level: Logger.Level) { self.level = level }

    init?(argument: String) {
        guard let level = Logger.Level(rawValue: argument) else { return nil }
        self.level = level
    }

    static var allValueStrings: [String] { Logger.Level.allCases.map(\.rawValue) }

    var defaultValueDescription: String { level.rawValue }
}
