import Foundation
import Supervision

/// Programs that a test runs to their end.
enum Program {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// The binary under test: `TRUNKLINE_BINARY`, or the one that was built beside this bundle.
    ///
    /// The bundle is `.build/<configuration>/<package>PackageTests.xctest`, and stands in the
    /// arguments of its runner.
    static let trunkline: String = {
        if let path = ProcessInfo.processInfo.environment["TRUNKLINE_BINARY"] { return path }
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? ""
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "trunkline").path
    }()

    /// What it wrote to both its outputs, whatever its end.
    static func outcome(
        of program: String, _ arguments: [String], environment: [String: String]? = nil
    ) throws -> (exit: ProcessExit, output: String) {
        let output = "/tmp/e2e-output-\(UUID().uuidString)"
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
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String]? = nil
    ) throws -> String {
        let (exit, output) = try outcome(of: program, arguments, environment: environment)
        guard exit == .exited(0) else {
            throw Failure(description: "\(program) \(arguments) \(exit): \(output)")
        }
        return output
    }
}
