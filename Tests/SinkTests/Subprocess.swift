import Foundation
import Synchronization

/// A program that runs beside the test.
final class Subprocess: Sendable {
    struct Result: Sendable {
        let status: Int32
        let output: [UInt8]
        let errors: String
    }

    private let process: Mutex<Process>
    private let ended: Task<Result, Never>

    /// Found through PATH; output goes through files, so that no pipe can fill.
    init(_ arguments: [String], in directory: String) throws {
        let process = Process()
        let output = "\(directory)/out-\(UUID().uuidString)"
        let errors = "\(directory)/err-\(UUID().uuidString)"
        for file in [output, errors] {
            _ = FileManager.default.createFile(atPath: file, contents: nil)
        }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        let (exits, continuation) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            continuation.yield($0.terminationStatus)
            continuation.finish()
        }
        try process.run()
        self.process = Mutex(process)
        ended = Task {
            var status: Int32 = -1
            for await exit in exits { status = exit }
            let bytes = FileManager.default.contents(atPath: output) ?? Data()
            let words = FileManager.default.contents(atPath: errors) ?? Data()
            return Result(
                status: status, output: Array(bytes),
                errors: String(decoding: words, as: UTF8.self))
        }
    }

    func result() async -> Result { await ended.value }

    /// SIGKILL: children inherit that another test ignores SIGTERM.
    func end() { process.withLock { _ = kill($0.processIdentifier, SIGKILL) } }

    /// Runs a program to its end.
    @discardableResult
    static func run(_ arguments: [String], in directory: String) async throws -> Result {
        try await Subprocess(arguments, in: directory).result()
    }
}

/// What curl got.
struct CurlAnswer: Sendable {
    /// curl's own: 0, 28 timeout, 52 empty answer, 56 reset, 60 certificate.
    let exit: Int32
    let status: Int
    /// Names lower case.
    let headers: [String: String]
    let body: [UInt8]
    let errors: String

    var text: String { String(decoding: body, as: UTF8.self) }

    static func curl(_ arguments: [String], in directory: String) async throws -> CurlAnswer {
        let headerFile = "\(directory)/headers-\(UUID().uuidString)"
        let result = try await Subprocess.run(
            ["curl", "-sS", "-D", headerFile] + arguments, in: directory)
        let head = FileManager.default.contents(atPath: headerFile) ?? Data()
        // A Character may be CR and LF together: split by both at once.
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let status = lines.first?.split(separator: " ").dropFirst().first
        return CurlAnswer(
            exit: result.status, status: status.flatMap { Int($0) } ?? 0, headers: headers,
            body: result.output, errors: result.errors)
    }
}
