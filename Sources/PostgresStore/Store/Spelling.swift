internal import Glibc

/// A text as a key by its bytes, as PostgreSQL compares it.
///
/// `String` compares by canonical equivalence: "é" as one scalar or as two would be one key here
/// and two rows there.
package struct Spelling: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Spelling, right: Spelling) -> Bool {
        var (left, right) = (left.text, right.text)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                guard left.count == right.count, let own = left.baseAddress,
                    let other = right.baseAddress
                else { return left.count == right.count }
                return memcmp(own, other, left.count) == 0
            }
        }
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
