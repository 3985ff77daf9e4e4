internal import Logging

/// A message as the line that is written, with its line end.
struct LogLine {
    var time: String
    var level: String
    var message: String
    var metadata: Logger.Metadata

    /// `2026-11-21T03:05:07.123Z info  message key=value`, keys in alphabetical order.
    var text: String {
        let padding = String(repeating: " ", count: max(5 - level.utf8.count, 0))
        var line = "\(time) \(level)\(padding) \(message.printable)"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.word("\(value)"))"
        }
        return line + "\n"
    }

    /// One object. A metadata key that would stand for `time`, `level` or `message` gets a `_`.
    var json: String {
        var members: [(String, JSON)] = [
            ("time", .string(time)), ("level", .string(level)), ("message", .string(message)),
        ]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            members.append((Self.ownMembers.contains(key) ? "\(key)_" : key, JSON(value)))
        }
        return JSON.object(members).compact + "\n"
    }

    private static let ownMembers: Set<String> = ["time", "level", "message"]

    /// In quotes where a reader could not tell its end.
    private static func word(_ text: String) -> String {
        guard text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else {
            return text.printable
        }
        let escaped = text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped).printable)\""
    }
}

extension JSON {
    /// Numbers and booleans stay what they are.
    fileprivate init(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .stringConvertible(let flag as Bool): self = .boolean(flag)
        case .stringConvertible(let number as Double): self = .number(number)
        case .stringConvertible(let number as any BinaryInteger):
            self = Int64(exactly: number).map(JSON.integer) ?? .string("\(number)")
        case .stringConvertible(let other): self = .string("\(other)")
        case .array(let values): self = .array(values.map { JSON($0) })
        case .dictionary(let members):
            self = .object(members.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) })
        @unknown default: self = .string("\(value)")
        }
    }
}
