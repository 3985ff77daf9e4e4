import Foundation

/// The source tree itself, read as text.
struct SourceTree {
    struct File {
        var target: String
        /// From the top of the repository.
        var path: String
        var lines: [Substring]
    }

    static let top = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift file below a top folder; its target is the folder below that.
    static func swiftFiles(below folder: String) throws -> [File] {
        let root = top.appending(path: folder)
        guard let found = FileManager.default.enumerator(atPath: root.path) else { return [] }
        var files: [File] = []
        for case let name as String in found where name.hasSuffix(".swift") {
            let text = try String(contentsOf: root.appending(path: name), encoding: .utf8)
            files.append(
                File(
                    target: String(name.prefix { $0 != "/" }), path: "\(folder)/\(name)",
                    lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
        }
        return files
    }

    static func folders(in folder: String) throws -> [String] {
        let root = top.appending(path: folder)
        return try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
    }
}
