import FoundationEssentials

/// The rules file, read again when it was written.
///
/// A file that does not hold rules changes nothing; the complaint is made once per writing. When
/// the file goes away the rules go with it. `PUT /.sink/rules` stands until the file is written.
struct RulesFile {
    static let maximumBytes = 8 << 20

    private let path: String
    private var stamp: FileStamp?

    /// Bad rules at the start are an error, and so is a missing file: it is misspelt.
    init(path: String, into book: inout RuleBook) throws(SinkError) {
        self.path = path
        stamp = FileStamp(path: path)
        book.replace(with: try read())
    }

    /// True when there are new rules; throws once for every bad version.
    mutating func refresh(_ book: inout RuleBook, force: Bool = false) throws(SinkError) -> Bool {
        let current = FileStamp(path: path)
        guard force || current != stamp else { return false }
        stamp = current
        let rules = current == nil ? [] : try read()
        guard rules != book.rules else { return false }
        book.replace(with: rules)
        return true
    }

    private func read() throws(SinkError) -> [Rule] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SinkError("the rules \(path) cannot be read: correct --rules")
        }
        guard data.count <= Self.maximumBytes else {
            throw SinkError("the rules \(path) are bigger than \(Self.maximumBytes) bytes")
        }
        do {
            return try RuleDocument.rules(in: Array(data))
        } catch {
            throw SinkError("\(path): \(error)")
        }
    }
}
