/// A text as a key by its bytes, as PostgreSQL compares it.
///
/// `String` compares by canonical equivalence: "é" as one scalar or as two would be one key here
/// and two rows there.
package struct Spelling: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Spelling, right: Spelling) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
