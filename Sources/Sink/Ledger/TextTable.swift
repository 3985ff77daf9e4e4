/// Each text once, under a small number: the ledger's ids and URLs.
///
/// The bytes of all texts lie in one array: about 12 bytes beside the text itself, where a
/// `[String: Int]` takes 50 and an allocation.
struct TextTable {
    private var bytes: [UInt8] = []
    /// Where each text ends.
    private var ends: [Int] = []
    private var index = CompactIndex()

    var count: Int { ends.count }

    subscript(number: Int) -> String { String(decoding: bytes[range(number)], as: UTF8.self) }

    func number(of text: String) -> Int? {
        var text = text
        return text.withUTF8 { find($0, hash: Self.hash($0)) }
    }

    /// The text's number, a new one if it has none.
    mutating func add(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { utf8 in
            let hash = Self.hash(utf8)
            if let known = find(utf8, hash: hash) { return known }
            bytes.append(contentsOf: utf8)
            ends.append(bytes.count)
            let (bytes, ends) = (bytes, ends)
            index.insert(ends.count - 1, hash: hash) { number in
                bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
                    .withUnsafeBufferPointer(Self.hash)
            }
            return ends.count - 1
        }
    }

    private func range(_ number: Int) -> Range<Int> {
        (number == 0 ? 0 : ends[number - 1])..<ends[number]
    }

    private func find(_ text: UnsafeBufferPointer<UInt8>, hash: Int) -> Int? {
        index.position(hash: hash) { bytes[range($0)].elementsEqual(text) }
    }

    private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(text))
        return hasher.finalize()
    }
}
