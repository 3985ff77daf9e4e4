import Foundation
import Testing

/// Runs a program to its end and returns what it wrote; a non-zero exit fails the test with its
/// words.
@discardableResult
func run(
    _ command: [String], input: [UInt8] = [], environment: [String: String] = [:],
    in directory: ScratchDirectory
) throws -> [UInt8] {
    let inputFile = try directory.write(input, to: "\(UUID().uuidString).input")
    let output = try directory.create("\(UUID().uuidString).output")
    let errors = try directory.create("\(UUID().uuidString).errors")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    let words = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    try #require(
        process.terminationStatus == 0,
        "\(command.joined(separator: " ")) exited with \(process.terminationStatus): \(words)")
    return [UInt8](try Data(contentsOf: output))
}

/// A directory of one test's own under /tmp, gone with it.
final class ScratchDirectory: Sendable {
    let url = URL(fileURLWithPath: "/tmp/trunkline-keys-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func create(_ name: String) throws -> URL { try write([], to: name) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> URL {
        let file = url.appendingPathComponent(name)
        try Data(bytes).write(to: file)
        return file
    }
}

/// Keys made by the openssl program: another encoder than ours, and no key in the repository.
extension ScratchDirectory {
    func openssl(_ arguments: String, input: [UInt8] = []) throws -> [UInt8] {
        try run(
            ["openssl"] + arguments.split(separator: " ").map(String.init), input: input, in: self)
    }

    func rsa(bits: Int = 2_048) throws -> [UInt8] {
        try openssl("genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:\(bits)")
    }

    func ed25519() throws -> [UInt8] { try openssl("genpkey -algorithm ED25519") }
}
