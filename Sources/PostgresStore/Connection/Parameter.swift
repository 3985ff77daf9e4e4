/// A statement's parameters in PostgreSQL's binary format, so that bytes need no escaping.
///
/// Formats: the `*send` functions of PostgreSQL's `src/backend/utils/adt`; arrays are `array_send`.

internal import DeliveryCore

struct Parameter: Equatable {
    /// The type's OID (`pg_type.dat`); fixed for built-in types.
    let type: UInt32
    /// nil: NULL.
    let bytes: [UInt8]?

    static func int(_ value: Int32) -> Parameter {
        scalar(23, value) { $0.append(bigEndian: $1) }
    }

    static func bigint(_ value: Int64) -> Parameter {
        scalar(20, value) { $0.append(bigEndian: $1) }
    }

    static func boolean(_ value: Bool) -> Parameter {
        scalar(16, value) { $0.append($1 ? 1 : 0) }
    }

    static func text(_ value: String?) -> Parameter {
        scalar(25, value) { $0.append(contentsOf: PostgresText.bytes($1)) }
    }

    static func ints(_ values: [Int32]) -> Parameter {
        array(1007, of: 23, values) { $0.append(bigEndian: $1) }
    }

    static func bigints(_ values: [Int64]) -> Parameter {
        array(1016, of: 20, values) { $0.append(bigEndian: $1) }
    }

    static func smallints(_ values: [Int16?]) -> Parameter {
        array(1005, of: 21, values) { $0.append(bigEndian: $1) }
    }

    static func reals(_ values: [Float?]) -> Parameter {
        array(1021, of: 700, values) { $0.append(bigEndian: $1.bitPattern) }
    }

    static func booleans(_ values: [Bool]) -> Parameter {
        array(1000, of: 16, values) { $0.append($1 ? 1 : 0) }
    }

    static func texts(_ values: [String?]) -> Parameter {
        array(1009, of: 25, values) { $0.append(contentsOf: PostgresText.bytes($1)) }
    }

    static func byteArrays(_ values: [[UInt8]?]) -> Parameter {
        array(1001, of: 17, values) { $0.append(contentsOf: $1) }
    }

    static func timestamps(_ values: [WallTime?]) -> Parameter {
        array(1185, of: 1184, values) { $0.append(bigEndian: $1.postgresMicroseconds) }
    }

    private static func scalar<Value>(
        _ type: UInt32, _ value: Value?, append: (inout [UInt8], Value) -> Void
    ) -> Parameter {
        guard let value else { return Parameter(type: type, bytes: nil) }
        var bytes: [UInt8] = []
        append(&bytes, value)
        return Parameter(type: type, bytes: bytes)
    }

    /// Dimensions, null flag, element type, length, lower bound; then each length and value.
    private static func array<Value>(
        _ type: UInt32, of element: UInt32, _ values: [Value?],
        append: (inout [UInt8], Value) -> Void
    ) -> Parameter {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20 + values.count * 12)
        bytes.append(bigEndian: Int32(values.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(values.contains { $0 == nil } ? 1 : 0))
        bytes.append(bigEndian: element)
        if !values.isEmpty {
            bytes.append(bigEndian: Int32(values.count))
            bytes.append(bigEndian: Int32(1))
        }
        for value in values {
            let start = bytes.count
            guard let value else {
                bytes.append(bigEndian: Int32(-1))
                continue
            }
            bytes.append(bigEndian: Int32(0))
            append(&bytes, value)
            let length = UInt32(bytes.count - start - 4)
            for offset in 0..<4 {
                bytes[start + offset] = UInt8(truncatingIfNeeded: length >> (24 - 8 * offset))
            }
        }
        return Parameter(type: type, bytes: bytes)
    }
}

/// The one place where text is made fit for PostgreSQL.
enum PostgresText {
    /// UTF-8 in which NUL, which no `text` can hold, is U+FFFD. A `String` is never invalid UTF-8.
    static func bytes(_ text: String) -> [UInt8] {
        let utf8 = Array(text.utf8)
        guard utf8.contains(0) else { return utf8 }
        return utf8.flatMap { $0 == 0 ? [0xEF, 0xBF, 0xBD] : [$0] }
    }

    /// As PostgreSQL will return it: what is looked up in an answer must be spelled so.
    static func sanitised(_ text: String) -> String {
        text.utf8.contains(0) ? String(decoding: bytes(text), as: UTF8.self) : text
    }

    /// At most so many bytes of it, cut between characters.
    static func prefix(_ text: String, bytes limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var cut = text.utf8.index(text.startIndex, offsetBy: limit)
        while cut > text.startIndex, cut.samePosition(in: text.unicodeScalars) == nil {
            cut = text.utf8.index(before: cut)
        }
        return String(text[..<cut])
    }
}

extension [UInt8] {
    mutating func append(bigEndian value: some FixedWidthInteger) {
        for shift in stride(from: type(of: value).bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

extension WallTime {
    /// `timestamptz` counts microseconds from 2000-01-01 UTC.
    private static let postgresEpoch: Int64 = 946_684_800_000

    /// Clamped to what both sides can hold (year 294,276): an absurd date is no error here.
    var postgresMicroseconds: Int64 {
        let limit: Int64 = 9_000_000_000_000_000
        let clamped = Swift.max(-200_000_000_000_000, Swift.min(milliseconds, limit))
        return (clamped - Self.postgresEpoch) * 1_000
    }

    init(postgresMicroseconds: Int64) {
        self.init(milliseconds: postgresMicroseconds / 1_000 + Self.postgresEpoch)
    }
}
