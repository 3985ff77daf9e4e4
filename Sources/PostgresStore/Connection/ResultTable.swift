/// The rows of one answer, copied out of libpq's memory.

internal import CPostgres
internal import DeliveryCore

struct ResultTable {
    private var bytes: [UInt8] = []
    /// Where each cell stands in `bytes`, row by row; nil is NULL.
    private var cells: [Range<Int>?] = []
    private let columnCount: Int
    let count: Int

    /// The answer of a statement that returns no rows.
    static let nothing = ResultTable()

    private init() {
        count = 0
        columnCount = 0
    }

    /// - Parameter result: a `PGresult` of a query asked for in binary format.
    init(copying result: OpaquePointer) {
        count = Int(PQntuples(result))
        columnCount = Int(PQnfields(result))
        cells.reserveCapacity(count * columnCount)
        for row in 0..<Int32(count) {
            for column in 0..<Int32(columnCount) {
                guard PQgetisnull(result, row, column) == 0,
                    let value = PQgetvalue(result, row, column)
                else {
                    cells.append(nil)
                    continue
                }
                let start = bytes.count
                let length = Int(PQgetlength(result, row, column))
                bytes.append(
                    contentsOf: UnsafeRawBufferPointer(start: value, count: length))
                cells.append(start..<bytes.count)
            }
        }
    }

    /// Each row's cells, decoded by `decode` from left to right.
    func map<Value>(_ decode: (inout RowReader) -> Value) -> [Value] {
        (0..<count).map { row in
            let first = row * columnCount
            var reader = RowReader(bytes: bytes, cells: cells[first..<(first + columnCount)])
            return decode(&reader)
        }
    }
}

/// Reads the cells of one row in the order of the statement's columns.
///
/// The statements stand in this target, so a cell of another type is a bug here and traps.
struct RowReader {
    fileprivate let bytes: [UInt8]
    fileprivate var cells: ArraySlice<Range<Int>?>

    mutating func int() -> Int32 { Int32(truncatingIfNeeded: integer(optional()!)) }
    mutating func optionalInt() -> Int32? {
        optional().map { Int32(truncatingIfNeeded: integer($0)) }
    }
    mutating func bigint() -> Int64 { integer(optional()!) }
    mutating func boolean() -> Bool { optional()!.first == 1 }
    mutating func text() -> String { String(decoding: optional()!, as: UTF8.self) }
    mutating func optionalBigint() -> Int64? { optional().map { integer($0) } }
    mutating func optionalText() -> String? {
        optional().map { String(decoding: $0, as: UTF8.self) }
    }
    mutating func byteArray() -> [UInt8] { Array(optional()!) }
    mutating func time() -> WallTime { WallTime(postgresMicroseconds: bigint()) }
    mutating func optionalTime() -> WallTime? {
        optional().map { WallTime(postgresMicroseconds: integer($0)) }
    }

    /// `int[]` without nulls.
    mutating func ints() -> [Int32] {
        let cell = optional()!
        // 12 bytes of header, and of a filled array 8 more; then 4 of length, 4 of value each.
        guard cell.count > 20 else { return [] }
        var values: [Int32] = []
        values.reserveCapacity((cell.count - 20) / 8)
        for start in stride(from: cell.startIndex + 24, to: cell.endIndex, by: 8) {
            values.append(Int32(truncatingIfNeeded: integer(cell[start..<(start + 4)])))
        }
        return values
    }

    /// `bigint[]` without nulls; NULL is one without anything.
    mutating func bigints() -> [Int64] {
        guard let cell = optional(), cell.count > 20 else { return [] }
        return stride(from: cell.startIndex + 24, to: cell.endIndex, by: 12).map {
            integer(cell[$0..<($0 + 8)])
        }
    }

    private mutating func optional() -> ArraySlice<UInt8>? {
        cells.removeFirst().map { bytes[$0] }
    }

    /// 2, 4 or 8 bytes, sign extended.
    private func integer(_ cell: ArraySlice<UInt8>) -> Int64 {
        let negative = (cell.first ?? 0) & 0x80 != 0
        return cell.reduce(negative ? -1 : 0) { $0 << 8 | Int64($1) }
    }
}
