import Foundation
import TestSupport
import Testing

/// Runs a program to its end and returns what it wrote; a non-zero exit fails the test with its
/// words.
@discardableResult
func run(
    _ command: [String], input: [UInt8] = [], environment: [String: String] = [:],
    in directory: ScratchDirectory
) throws -> [UInt8] {
    let result = try Program.run(
        command, environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
        input: input, in: directory.url.path)
    try #require(
        result.code == 0,
        "\(command.joined(separator: " ")) exited with \(result.code): \(result.errors)")
    return result.output
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
