import FaultHarness
import Foundation
import Supervision

/// Programs of other people's libraries, from PyPI: they know nothing of us.
struct Python {
    private let packages: String

    /// Installs into a directory of the test; the machine's Python stays as it is.
    init(_ requirements: [String], in scratch: Scratch) throws {
        packages = try scratch.makeDirectory("python")
        try Program.run(
            "/usr/bin/env",
            [
                "python3", "-m", "pip", "install", "--quiet", "--root-user-action=ignore",
                "--disable-pip-version-check", "--target", packages,
            ] + requirements)
    }

    func command(_ script: String, _ arguments: [String]) -> Command {
        Command(
            path: "/usr/bin/env", arguments: ["python3", "-c", script] + arguments,
            environment: environment)
    }

    @discardableResult
    func run(_ script: String, _ arguments: [String]) throws -> String {
        try Program.run(
            "/usr/bin/env", ["python3", "-c", script] + arguments, environment: environment)
    }

    private var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(["PYTHONPATH": packages]) { $1 }
    }
}
