/// One command: its words in one buffer, so that a long one costs two allocations and not a
/// hundred.
package struct RedisCommand: Equatable, Sendable {
    private var buffer: [UInt8] = []
    private var lengths: [Int] = []

    package init(_ words: String...) {
        for word in words { append(word) }
    }

    package init(words: some Sequence<[UInt8]>) {
        for word in words { append(word) }
    }

    package mutating func append(_ word: [UInt8]) {
        buffer.append(contentsOf: word)
        lengths.append(word.count)
    }

    package mutating func append(_ word: ArraySlice<UInt8>) {
        buffer.append(contentsOf: word)
        lengths.append(word.count)
    }

    package mutating func append(_ word: String) {
        let utf8 = word.utf8
        buffer.append(contentsOf: utf8)
        lengths.append(utf8.count)
    }

    package mutating func append(_ number: some BinaryInteger) { append(String(number)) }

    package mutating func append(contentsOf other: RedisCommand) {
        buffer.append(contentsOf: other.buffer)
        lengths.append(contentsOf: other.lengths)
    }

    var count: Int { lengths.count }

    /// A word; counts through those before it.
    subscript(index: Int) -> ArraySlice<UInt8>? {
        guard lengths.indices.contains(index) else { return nil }
        let start = lengths[..<index].reduce(0, +)
        return buffer[start..<start + lengths[index]]
    }

    /// Lends the words as C's `argc`, `argv` and `argvlen`, for as long as `body` runs.
    func withArguments<Value>(
        _ body: (Int32, UnsafeMutablePointer<UnsafePointer<CChar>?>, UnsafePointer<Int>) -> Value
    ) -> Value {
        buffer.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(
                of: UnsafePointer<CChar>?.self, capacity: lengths.count
            ) { pointers in
                var start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                for (index, length) in lengths.enumerated() {
                    pointers.initializeElement(at: index, to: start)
                    start = start.map { $0 + length }
                }
                return lengths.withUnsafeBufferPointer {
                    body(Int32($0.count), pointers.baseAddress!, $0.baseAddress!)
                }
            }
        }
    }
}
