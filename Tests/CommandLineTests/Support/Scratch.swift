/// A directory of a test's own under /tmp, gone with its last reference.

import Foundation

final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/trunkline-cli-\(UInt64.random(in: 0 ... .max))"
        // Open to pass through: the `postgres` user has its socket in there.
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o711])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The file's path, for a command line.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: file(name)))
        return file(name)
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file(name))), as: UTF8.self)
    }
}
