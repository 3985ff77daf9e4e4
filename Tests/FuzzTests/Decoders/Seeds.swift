import Foundation

/// The inputs that a search starts from, and those that once broke a promise: a line of
/// `Seeds/NAME.txt` each, in which `\xNN` is a byte and `\\` a backslash.
enum Seeds {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Seeds")

    static func of(_ decoder: Decoder) throws -> [[UInt8]] {
        let file = directory.appending(path: "\(decoder.name).txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            bytes(of: $0)
        }
    }

    private static func bytes(of line: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = line.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard rest.popFirst() == UInt8(ascii: "x"),
                let value = UInt8(Substring(rest.prefix(2)), radix: 16)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return bytes
    }
}
