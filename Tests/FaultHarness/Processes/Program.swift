import Foundation
package import Supervision

/// Programs that are run to their end.
package enum Program {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }
    }

    /// The binary under test: `TRUNKLINE_BINARY`, or the one that was built beside us.
    ///
    /// A test bundle is `.build/<configuration>/<package>PackageTests.xctest`, and stands in the
    /// arguments of its runner.
    package static let trunkline: String = {
        if let path = ProcessInfo.processInfo.environment["TRUNKLINE_BINARY"] { return path }
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") }
        return URL(filePath: bundle ?? CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "trunkline").path
    }()

    /// What it wrote to both its outputs, whatever its end.
    package static func outcome(
        of program: String, _ arguments: [String], environment: [String: String]? = nil
    ) throws -> (exit: ProcessExit, output: String) {
        let output = "/tmp/trunkline-output-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: output) }
        let exit = try ChildProcess(
            Command(
                path: program, arguments: arguments, environment: environment,
                output: .appended(to: output))
        ).wait()
        return (exit, contents(of: output))
    }

    /// What it wrote; throws unless it ended with code 0.
    @discardableResult
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String]? = nil
    ) throws -> String {
        let (exit, output) = try outcome(of: program, arguments, environment: environment)
        guard exit == .exited(0) else {
            throw Failure("\(program) \(arguments) \(exit): \(output)")
        }
        return output
    }
}

extension Program {
    /// A command, in a network namespace if one is named.
    static func command(
        _ program: String, _ arguments: [String], in namespace: String?,
        environment: [String: String]? = nil, output: Command.Output = .inherited
    ) -> Command {
        guard let namespace else {
            return Command(
                path: program, arguments: arguments, environment: environment, output: output)
        }
        // `ip netns exec` replaces itself with the program: its process number is the program's.
        return Command(
            path: "/usr/sbin/ip",
            arguments: ["netns", "exec", namespace, program] + arguments,
            environment: environment, output: output)
    }

    /// Process numbers of a process' living children, out of /proc.
    static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            // The fields after the name in brackets: state, parent.
            let fields = contents(of: "/proc/\(pid)/stat").split(separator: ")").last?
                .split(separator: " ")
            guard let fields, fields.count > 1, fields[0] != "Z" else { return false }
            return Int32(fields[1]) == parent
        }
    }
}
