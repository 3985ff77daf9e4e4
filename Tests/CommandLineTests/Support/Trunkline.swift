/// The built program, run as a child: what a person at a terminal gets.

import Foundation
import TestSupport
import Testing

struct Trunkline {
    struct Result {
        var code: Int32
        var output: String
        var errors: String

        func json() throws -> [String: Any] {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(value as? [String: Any])
        }
    }

    /// Beside the bundle of the tests, where SwiftPM puts both.
    static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "trunkline")

    /// Nothing of the caller's own `TRUNKLINE_*` gets in.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) throws -> Result {
        try run(path, arguments, environment: environment, input: input)
    }

    static func run(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:],
        input: String = ""
    ) throws -> Result {
        let result = try Program.run(
            [program.path] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "COLUMNS": "100"].merging(environment) { $1 },
            input: Array(input.utf8))
        return Result(code: result.code, output: result.text, errors: result.errors)
    }
}
