/// Walks over JSON bytes, reading texts and skipping everything else.
struct JSONReader {
    struct Malformed: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Hands each member of the object that starts here to `read`, which must consume its value.
    /// False when it is no object, or not a whole one.
    mutating func members(_ read: (inout JSONReader, String) throws -> Void) -> Bool {
        do {
            try object(read)
            return true
        } catch {
            return false
        }
    }

    /// A string's text; nil for any other value, which is skipped.
    mutating func textOrSkip() throws -> String? {
        guard try peek() == UInt8(ascii: "\"") else {
            try skip()
            return nil
        }
        return try text()
    }

    /// A string, or the first element of an array if that is one (`type` may be an array).
    mutating func firstText() throws -> String? {
        guard try peek() == UInt8(ascii: "[") else { return try textOrSkip() }
        var inside = self
        inside.at += 1
        let first = try inside.peek() == UInt8(ascii: "\"") ? try inside.text() : nil
        try skip()
        return first
    }

    /// A string, or the member `name` of an object.
    mutating func textOrMember(_ name: String) throws -> String? {
        guard try peek() == UInt8(ascii: "{") else { return try textOrSkip() }
        var found: String?
        try object { reader, member in
            if member == name { found = try reader.textOrSkip() } else { try reader.skip() }
        }
        return found
    }

    /// Passes over one value, whatever its depth, without recursion.
    mutating func skip() throws {
        var depth = 0
        repeat {
            switch try peek() {
            case UInt8(ascii: "\""): try passString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { throw Malformed() }
                depth -= 1
                at += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { throw Malformed() }
                at += 1
            default: passScalar()
            }
        } while depth > 0
    }

    // MARK: private

    private mutating func object(
        _ read: (inout JSONReader, String) throws -> Void
    ) throws {
        try expect("{")
        if try peek() == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            guard try peek() == UInt8(ascii: "\"") else { throw Malformed() }
            let name = try text()
            try expect(":")
            try read(&self, name)
            if try peek() == UInt8(ascii: "}") {
                at += 1
                return
            }
            try expect(",")
        }
    }

    /// The next byte that is not a blank.
    private mutating func peek() throws -> UInt8 {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0a, 0x0d, 0x09: at += 1
            default: return bytes[at]
            }
        }
        throw Malformed()
    }

    private mutating func expect(_ byte: Unicode.Scalar) throws {
        guard try peek() == UInt8(ascii: byte) else { throw Malformed() }
        at += 1
    }

    private mutating func passScalar() {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x0a, 0x0d, 0x09:
                return
            default: at += 1
            }
        }
    }

    /// Leaves `at` behind the closing quote; true when there are escapes.
    @discardableResult
    private mutating func passString() throws -> Bool {
        at += 1
        var escaped = false
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                return escaped
            case UInt8(ascii: "\\"):
                escaped = true
                at += 2
            default: at += 1
            }
        }
        throw Malformed()
    }

    private mutating func text() throws -> String {
        let start = at + 1
        let escaped = try passString()
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<(at - 1)])
        guard raw.count <= ActivityScan.maximumTextBytes else { return "" }
        return escaped ? try Self.unescaped(raw) : String(decoding: raw, as: UTF8.self)
    }

    private static func unescaped(_ raw: UnsafeRawBufferPointer) throws -> String {
        var units: [UInt16] = []
        var scalars = String.UnicodeScalarView()
        var at = 0
        func hexadecimal(_ at: Int) throws -> UInt16 {
            guard at + 4 <= raw.count,
                let unit = UInt16(String(decoding: raw[at..<at + 4], as: UTF8.self), radix: 16)
            else { throw Malformed() }
            return unit
        }
        var plain: [UInt8] = []
        func flush() {
            scalars.append(contentsOf: String(decoding: plain, as: UTF8.self).unicodeScalars)
            scalars.append(contentsOf: String(decoding: units, as: UTF16.self).unicodeScalars)
            plain.removeAll()
            units.removeAll()
        }
        while at < raw.count {
            guard raw[at] == UInt8(ascii: "\\") else {
                if !units.isEmpty { flush() }
                plain.append(raw[at])
                at += 1
                continue
            }
            let escape = raw[at + 1]
            at += 2
            if escape == UInt8(ascii: "u") {
                if !plain.isEmpty { flush() }
                units.append(try hexadecimal(at))
                at += 4
                continue
            }
            if !units.isEmpty { flush() }
            switch escape {
            case UInt8(ascii: "n"): plain.append(0x0a)
            case UInt8(ascii: "r"): plain.append(0x0d)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0c)
            default: plain.append(escape)
            }
        }
        flush()
        return String(scalars)
    }
}
