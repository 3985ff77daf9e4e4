/// A program that runs beside a test.
///
/// Not Foundation's `Process`: with Swift 6.3.1 it copies 256 bytes of a directory entry that may
/// be shorter (swift-corelibs-foundation, pull request 5472), which now and then ends the process
/// that runs the tests.

import Foundation
import Supervision

package final class Program: Sendable {
    package struct Result: Sendable {
        /// The exit code; 128 and the signal's number when a signal ended it, as a shell says it.
        package let code: Int32
        package let output: [UInt8]
        package let errors: String

        package var text: String { String(decoding: output, as: UTF8.self) }
    }

    private let child: ChildProcess
    private let scratch: URL

    /// Starts it. Input and output go through files: no pipe can fill.
    ///
    /// - Parameters:
    ///   - arguments: the program, found through PATH unless it is a path, and what it is given.
    ///   - environment: all of it; nil: the caller's.
    package init(
        _ arguments: [String], environment: [String: String]? = nil, input: [UInt8] = [],
        in directory: String? = nil
    ) throws {
        scratch = URL(filePath: "/tmp/trunkline-program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: false)
        try Data(input).write(to: scratch.appending(path: "input"))
        child = try ChildProcess(
            Command(
                path: "/bin/sh",
                arguments: [
                    "-c", #"s=$0; exec "$@" <"$s/input" >"$s/output" 2>"$s/errors""#,
                    scratch.path,
                ] + arguments,
                environment: environment, workingDirectory: directory))
    }

    deinit { try? FileManager.default.removeItem(at: scratch) }

    package func wait() -> Result { result(of: child.wait()) }

    @discardableResult
    package func result() async -> Result { result(of: await child.exit()) }

    /// SIGKILL.
    package func kill() { child.send(signal: 9) }

    /// Runs a program to its end.
    @discardableResult
    package static func run(
        _ arguments: [String], environment: [String: String]? = nil, input: [UInt8] = [],
        in directory: String? = nil
    ) throws -> Result {
        try Program(arguments, environment: environment, input: input, in: directory).wait()
    }

    private func result(of exit: ProcessExit) -> Result {
        let code =
            switch exit {
            case .exited(let code): code
            case .killed(let signal): 128 + signal
            }
        let words = read("errors")
        return Result(
            code: code, output: [UInt8](read("output")),
            errors: String(decoding: words, as: UTF8.self))
    }

    private func read(_ name: String) -> Data {
        (try? Data(contentsOf: scratch.appending(path: name))) ?? Data()
    }
}
