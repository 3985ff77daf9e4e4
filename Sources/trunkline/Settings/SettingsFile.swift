/// The file of `run --config`: lines `key = value`; blank ones and those that start with `#` say
/// nothing. A key is a long option of `run` without its dashes, a flag is `true` or `false`, and
/// only what may be repeated on the command line may stand several times.
struct SettingsFile {
    struct Line: Equatable {
        var number: Int
        var name: String
        var value: String
    }

    /// Bytes: a thousand times what all options take.
    static let limit = 1 << 20

    let path: String
    private(set) var lines: [Line] = []

    /// - Throws: ``CommandFailure`` of usage: file, line, what is wrong, and the mend.
    init(path: String) throws(CommandFailure) {
        let bytes = try FileInput.bytes(of: path, limit: Self.limit)
        try self.init(path: path, text: String(decoding: bytes, as: UTF8.self))
    }

    init(path: String, text: String) throws(CommandFailure) {
        self.path = path
        let texts = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, text) in texts.enumerated() {
            let text = trimmed(text)
            if text.isEmpty || text.hasPrefix("#") { continue }
            try add(text, number: index + 1)
        }
    }

    private mutating func add(_ line: Substring, number: Int) throws(CommandFailure) {
        let place = "\(path):\(number)"
        guard let equals = line.firstIndex(of: "=") else {
            throw .usage("\(place): no `=` in this line: write key = value, or # before a comment")
        }
        let name = String(trimmed(line[..<equals]))
        let value = String(trimmed(line[line.index(after: equals)...]))
        guard let setting = Setting.all.first(where: { $0.name == name }) else {
            throw .usage(
                "\(place): there is no `\(name.printable)`; did you mean "
                    + "`\(Self.nearest(to: name))`? `trunkline help run` has them all")
        }
        if setting.kind != .repeatable, let first = lines.first(where: { $0.name == name }) {
            throw .usage(
                "\(place): `\(name)` stands in line \(first.number) already: leave one of them")
        }
        if let objection = setting.objection(to: value) {
            let hint = value.contains(" #") ? "; a comment takes a line of its own" : ""
            throw .usage("\(place): `\(name)`: \(objection)\(hint)")
        }
        lines.append(Line(number: number, name: name, value: value))
    }

    static func nearest(to name: String) -> String {
        let plain = name.lowercased().map { $0 == "_" ? "-" : $0 }.drop { $0 == "-" }
        return Setting.all.map(\.name).min { distance(plain, $0) < distance(plain, $1) } ?? ""
    }

    /// Levenshtein's: letters to put in, leave out or change.
    private static func distance(_ one: some Collection<Character>, _ other: String) -> Int {
        var row = Array(0...other.count)
        for (line, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, wanted) in other.enumerated() {
                let changed = diagonal + (letter == wanted ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}

private func trimmed(_ text: some StringProtocol) -> Substring {
    var text = Substring(text)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
}
