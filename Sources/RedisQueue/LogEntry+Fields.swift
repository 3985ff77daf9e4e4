/// How a log entry stands in its stream: the fields `activity` (decimal), `lane` (name), `sender`
/// (decimal, may be missing), `again` (`0` or `1`) and `inboxes` (``PackedInboxes``), or the one field `pointers` (13 bytes each).

internal import DeliveryCore

extension Fanout {
    /// Names and values together.
    static let fieldCount = 10
}

extension RedisCommand {
    mutating func append(_ fanout: Fanout) {
        append("activity")
        append(fanout.activity.rawValue)
        append("lane")
        append(fanout.lane.name)
        append("sender")
        append("\(fanout.sender.rawValue)")
        append("again")
        append(fanout.again ? "1" : "0")
        append("inboxes")
        append(PackedInboxes.encode(fanout.inboxes))
    }

    mutating func append(_ pointers: [DeliveryPointer]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pointers.count * DeliveryPointer.byteCount)
        for pointer in pointers { bytes.append(contentsOf: pointer.bytes) }
        append(bytes)
    }
}

/// Why a log entry cannot be read.
struct MalformedLogEntry: Error {
    var reason: String
}

extension LogEntry {
    init(_ entry: StreamEntry) {
        self.init(id: entry.id, content: Self.content(entry))
    }

    private static func content(_ entry: StreamEntry) -> Content {
        do throws(MalformedLogEntry) {
            if let bytes = entry["pointers"] { return .pointers(try pointers(bytes)) }
            return .fanout(try fanout(entry))
        } catch {
            return .malformed(reason: error.reason)
        }
    }

    private static func pointers(
        _ bytes: [UInt8]
    ) throws(MalformedLogEntry) -> [DeliveryPointer] {
        let size = DeliveryPointer.byteCount
        guard !bytes.isEmpty, bytes.count.isMultiple(of: size), bytes.count <= inboxLimit * size
        else {
            throw MalformedLogEntry(
                reason: "`pointers` has \(bytes.count) bytes: not 1 to \(inboxLimit) times \(size)")
        }
        return stride(from: 0, to: bytes.count, by: size).map {
            DeliveryPointer(bytes: bytes[$0..<$0 + size])!
        }
    }

    private static func fanout(_ entry: StreamEntry) throws(MalformedLogEntry) -> Fanout {
        guard let activity = entry["activity"].flatMap(Int64.init(decimal:)) else {
            throw MalformedLogEntry(reason: "`activity` is missing or not a number")
        }
        guard let lane = entry["lane"].flatMap({ Lane(name: String(decoding: $0, as: UTF8.self)) })
        else {
            throw MalformedLogEntry(reason: "`lane` is missing or not a lane")
        }
        let sender = entry["sender"].map { UInt64(String(decoding: $0, as: UTF8.self)) } ?? 0
        guard let sender else { throw MalformedLogEntry(reason: "`sender` is not a number") }
        let again: Bool
        switch entry["again"] {
        case [UInt8(ascii: "0")]: again = false
        case [UInt8(ascii: "1")]: again = true
        default: throw MalformedLogEntry(reason: "`again` is missing, or neither 0 nor 1")
        }
        guard let inboxes = entry["inboxes"].flatMap(PackedInboxes.decode), !inboxes.isEmpty,
            inboxes.count <= inboxLimit
        else {
            throw MalformedLogEntry(
                reason: "`inboxes` is missing, or not 1 to \(inboxLimit) packed ids")
        }
        return Fanout(
            activity: ActivityID(rawValue: activity), lane: lane,
            sender: SenderID(rawValue: sender), again: again, inboxes: inboxes)
    }
}

extension Int64 {
    init?(decimal bytes: [UInt8]) { self.init(String(decoding: bytes, as: UTF8.self)) }
}
