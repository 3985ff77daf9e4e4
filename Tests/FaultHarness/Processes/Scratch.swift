import Foundation
import Supervision

/// A directory of a run's own, short enough for Unix sockets below it; gone with its owner, unless
/// `TRUNKLINE_KEEP` is set: the logs in it tell why a test failed.
package final class Scratch: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/e2e-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // PostgreSQL runs as another user, who must be able to pass through.
        chmod(path, 0o711)
    }

    deinit {
        guard ProcessInfo.processInfo.environment["TRUNKLINE_KEEP"] == nil else { return }
        try? FileManager.default.removeItem(atPath: path)
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    package func makeDirectory(_ name: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: file(name), withIntermediateDirectories: true)
        return file(name)
    }

    package func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }
}

/// A whole file as text; empty when there is none.
package func contents(of path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}
