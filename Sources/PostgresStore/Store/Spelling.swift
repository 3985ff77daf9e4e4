/// A text as a key by its bytes, as PostgreSQL compares it.
///
/// `String` compares by canonical equivalence: "é" as one scalar or as two would be one key here
/// and two rows there.
struct Spelling: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: Spelling, right: Spelling) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
