internal import CJSON
internal import Glibc

/// simdjson with its buffers, reused from text to text.
///
/// It validates the whole text first, UTF-8 and depth included, so that what is walked afterwards
/// is sound JSON.
final class JSONParser {
    enum Failure: Error, Equatable {
        /// In simdjson's words.
        case notJSON(String)
        case tooDeep
        case noMemory
    }

    private let parser: OpaquePointer

    init(depthLimit: Int) {
        guard let parser = cjson_parser_create(depthLimit) else {
            preconditionFailure("no memory for a JSON parser")
        }
        self.parser = parser
    }

    deinit { cjson_parser_destroy(parser) }

    /// The root of a text. It and everything reached from it are good until the next call.
    func parse(_ text: [UInt8]) throws(Failure) -> JSONValue {
        var root = cjson_value()
        var words: UnsafePointer<CChar>?
        let outcome = text.withUnsafeBufferPointer {
            cjson_parse(parser, $0.baseAddress, $0.count, &root, &words)
        }
        switch outcome {
        case cjson_parsed: return JSONValue(root)
        case cjson_too_deep: throw .tooDeep
        case cjson_no_memory: throw .noMemory
        default: throw .notJSON(words.map { String(cString: $0) } ?? "")
        }
    }

    /// Gives the memory of a large text back.
    func releaseBuffers() { cjson_parser_release_buffers(parser) }
}

/// A value of the text that was parsed last: a position, not a copy.
struct JSONValue {
    private let value: cjson_value

    fileprivate init(_ value: cjson_value) { self.value = value }

    var kind: cjson_kind { cjson_kind_of(value) }
    var isObject: Bool { kind == cjson_kind_object }
    var isArray: Bool { kind == cjson_kind_array }

    /// nil unless it is a string.
    var text: JSONText? { kind == cjson_kind_string ? JSONText(cjson_string(value)) : nil }

    /// nil unless it is true or false.
    var bool: Bool? {
        switch kind {
        case cjson_kind_true: true
        case cjson_kind_false: false
        default: nil
        }
    }

    /// Of an object.
    var members: JSONMembers { JSONMembers(cjson_begin(value)) }

    /// Of an array.
    var elements: JSONElements { JSONElements(cjson_begin(value)) }

    /// What a reader of a rejection calls it.
    var kindName: String {
        switch kind {
        case cjson_kind_object: "an object"
        case cjson_kind_array: "an array"
        case cjson_kind_string: "a string"
        case cjson_kind_number: "a number"
        case cjson_kind_null: "null"
        default: "a boolean"
        }
    }
}

struct JSONMembers: Sequence, IteratorProtocol {
    private var cursor: cjson_cursor

    fileprivate init(_ cursor: cjson_cursor) { self.cursor = cursor }

    mutating func next() -> (name: JSONText, value: JSONValue)? {
        var name = cjson_text()
        var value = cjson_value()
        guard cjson_next_member(&cursor, &name, &value) else { return nil }
        return (JSONText(name), JSONValue(value))
    }
}

struct JSONElements: Sequence, IteratorProtocol {
    private var cursor: cjson_cursor

    fileprivate init(_ cursor: cjson_cursor) { self.cursor = cursor }

    mutating func next() -> JSONValue? {
        var value = cjson_value()
        return cjson_next_element(&cursor, &value) ? JSONValue(value) : nil
    }
}

/// A string of the text that was parsed last, escapes resolved: valid UTF-8 in the parser's memory.
struct JSONText {
    private let bytes: UnsafeRawBufferPointer

    fileprivate init(_ text: cjson_text) {
        bytes = UnsafeRawBufferPointer(start: text.bytes, count: text.length)
    }

    var byteCount: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var hasControlCharacters: Bool { bytes.contains { $0 < 0x20 || $0 == 0x7F } }
    var string: String { String(decoding: bytes, as: UTF8.self) }

    static func == (left: JSONText, right: StaticString) -> Bool {
        left.bytes.count == right.utf8CodeUnitCount
            && (left.bytes.isEmpty
                || memcmp(left.bytes.baseAddress!, right.utf8Start, left.bytes.count) == 0)
    }

    /// For `switch`.
    static func ~= (pattern: StaticString, text: JSONText) -> Bool { text == pattern }
}
