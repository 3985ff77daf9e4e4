/// A function that reads what others wrote, and what holds whatever it is given.
///
/// The same promises are tried by `deploy/fuzz`, which searches for bytes that break them, and by a
/// bounded run in the tests.
struct Decoder: Sendable {
    /// The argument of `deploy/fuzz`, and the name of its file in `Seeds`.
    let name: String
    let check: @Sendable ([UInt8]) throws -> Void

    static let all: [Decoder] =
        entries + headers + urls + redis + postgres + sink

    static func named(_ name: String) -> Decoder? { all.first { $0.name == name } }
}

struct BrokenPromise: Error, CustomStringConvertible {
    var description: String
}

func promise(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    guard holds else { throw BrokenPromise(description: what()) }
}

/// One input as several texts: the byte 0x1E (record separator) stands between them.
func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: 0x1E, omittingEmptySubsequences: false).map { Array($0) }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// What an operator reads in a log or on a terminal.
func promiseLegible(_ reason: String, limit: Int = 1_024) throws {
    try promise(!reason.isEmpty && reason.utf8.count < limit, "a reason of its length: \(reason)")
    let hasControls = reason.unicodeScalars.contains { $0.properties.generalCategory == .control }
    try promise(!hasControls, "a reason with control characters: \(reason.debugDescription)")
}
