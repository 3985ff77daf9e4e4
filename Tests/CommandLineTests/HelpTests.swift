import Foundation
import Testing

/// Every command tells a new user what it does, and how.
@Suite struct HelpTests {
    @Test func `every command shows an example of itself`() throws {
        let commands = try Command.all()
        #expect(commands.count > 12)
        for command in commands where command.path != ["help"] {
            let help = try Trunkline.run(command.path + ["--help"])
            let name = (["trunkline"] + command.path).joined(separator: " ")
            #expect(help.code == 0, "\(name)")
            #expect(help.output.contains("\n  \(name) "), "\(name) has no example")
            #expect(command.abstract.hasSuffix("."), "\(name): what it does, in one sentence")
        }
    }

    @Test func `what --json prints is described where it can be asked for`() throws {
        for command in try Command.all() where command.options.contains("json") {
            let help = try Trunkline.run(command.path + ["--help"])
            #expect(help.output.contains("\n--json: {"), "\(command.path)")
        }
    }

    @Test func `no command of an example is broken in two`() throws {
        for command in try [[]] + Command.all().map(\.path) where command != ["help"] {
            let wide = try Trunkline.run(command + ["--help"], environment: ["COLUMNS": "500"])
            let narrow = try Trunkline.run(command + ["--help"], environment: ["COLUMNS": "80"])
            let lines = Set(narrow.output.split(separator: "\n"))
            for line in wide.output.split(separator: "\n") where line.hasPrefix("  trunkline ") {
                #expect(lines.contains(line), "\(command): \(line)")
            }
        }
    }

    @Test func `help goes to standard output, a mistake to standard error`() throws {
        let help = try Trunkline.run(["--help"])
        #expect(help.code == 0 && help.errors.isEmpty)
        #expect(help.output.contains("trunkline doctor"))
        let mistake = try Trunkline.run(["deliver"])
        #expect(mistake.code == 2 && mistake.output.isEmpty)
        #expect(mistake.errors.contains("deliver"))
    }

    @Test func `the version is a number`() throws {
        let version = try Trunkline.run(["--version"])
        #expect(version.code == 0)
        #expect(version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }
}

/// A command as ArgumentParser describes it.
private struct Command {
    var path: [String]
    var abstract: String
    var options: Set<String>

    static func all() throws -> [Command] {
        let dump = try Trunkline.run(["--experimental-dump-help"]).json()
        let root = try #require(dump["command"] as? [String: Any])
        return try subcommands(of: root, below: [])
    }

    private static func subcommands(
        of parent: [String: Any], below path: [String]
    ) throws -> [Command] {
        var commands: [Command] = []
        for child in parent["subcommands"] as? [[String: Any]] ?? [] {
            let path = path + [try #require(child["commandName"] as? String)]
            let arguments = child["arguments"] as? [[String: Any]] ?? []
            let names = arguments.compactMap { $0["valueName"] as? String }
            commands.append(
                Command(
                    path: path, abstract: child["abstract"] as? String ?? "", options: Set(names)))
            commands += try subcommands(of: child, below: path)
        }
        return commands
    }
}
