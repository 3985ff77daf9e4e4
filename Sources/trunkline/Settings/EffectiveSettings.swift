internal import Glibc

/// The command line, with what the file of `run` says and neither the line nor the environment
/// does: the command line beats the environment beats the file. Other commands take from it where
/// Redis and PostgreSQL are, and the few more options that they share with it.
struct EffectiveSettings: Sendable {
    enum Origin: Equatable, Sendable, CustomStringConvertible {
        case commandLine
        case variable(String)
        case file(String)
        case standard

        var description: String {
            switch self {
            case .commandLine: "command line"
            case .variable(let name): "environment \(name)"
            case .file(let place): place
            case .standard: "default"
            }
        }
    }

    /// For ArgumentParser.
    private(set) var arguments: [String]
    /// Variables that stand for the file, since the environment does not have them.
    private(set) var variables: [String: String] = [:]
    private var origins: [String: Origin] = [:]

    /// Of the command that runs.
    @TaskLocal static var current = EffectiveSettings(arguments: [])

    private init(arguments: [String]) { self.arguments = arguments }

    /// - Parameter arguments: those after the program's name.
    init(
        _ arguments: [String], environment: (String) -> String?
    ) throws(CommandFailure) {
        self.init(arguments: arguments)
        guard !arguments.contains("--help"), !arguments.contains("-h") else { return }
        let settings = Setting.known(to: arguments.first)
        for setting in settings {
            let flag = "--\(setting.name)"
            if arguments.contains(where: { $0 == flag || $0.hasPrefix(flag + "=") }) {
                origins[setting.name] = .commandLine
            } else if let variable = setting.variable, environment(variable) != nil {
                origins[setting.name] = .variable(variable)
            }
        }
        if let path = Self.path(in: arguments) { try add(SettingsFile(path: path), settings) }
    }

    /// Of two the last, as ArgumentParser has it.
    private static func path(in arguments: [String]) -> String? {
        var path: String?
        for (index, argument) in arguments.enumerated() {
            if argument.hasPrefix("--config=") { path = String(argument.dropFirst(9)) }
            if argument == "--config", index + 1 < arguments.count { path = arguments[index + 1] }
        }
        return path
    }

    private mutating func add(_ file: SettingsFile, _ settings: [Setting]) {
        let known = origins
        for line in file.lines {
            guard let setting = settings.first(where: { $0.name == line.name }),
                known[line.name] == nil, !isOverruled(line.name, known)
            else { continue }
            let place = "\(file.path):\(line.number)"
            if case .file(let first) = origins[line.name] {
                origins[line.name] = .file("\(first), \(line.number)")
            } else {
                origins[line.name] = .file(place)
            }
            // As a variable where there is one: a flag would beat other variables.
            if let variable = setting.variable {
                variables[variable] = line.value
            } else {
                arguments += setting.arguments(line.value)
            }
        }
    }

    /// A state directory names both servers; the file's own would beat the environment's.
    private func isOverruled(_ name: String, _ known: [String: Origin]) -> Bool {
        ["redis", "database"].contains(name) && known["state-directory"] != nil
    }

    /// Makes the file's values those of the environment, for this process and its children.
    func export() {
        for (name, value) in variables { setenv(name, value, 1) }
    }

    /// What is in force and who said so; for people, so without passwords.
    func table(of command: RunCommand) -> String {
        var table = TextTable(["SETTING", "VALUE", "FROM"])
        for setting in Setting.all {
            let value = setting.value(command)
            table.add([
                setting.name, value.isEmpty ? "(not set)" : value,
                (origins[setting.name] ?? .standard).description,
            ])
        }
        return table.text
    }
}
