/// The bytes of inbox ids in a log entry: ascending ids as LEB128 varints of their differences.
///
/// Neighbours in an audience are often neighbours in the table, so most ids take a byte or two
/// instead of four; 30,000 of them stay under 60 kB of Redis.
package enum PackedInboxes {
    package static func encode(_ inboxes: [InboxID]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(inboxes.count * 2)
        var previous: Int32 = 0
        for inbox in inboxes {
            precondition(inbox.rawValue > previous, "inbox ids ascend, each once, from 1")
            var difference = UInt32(inbox.rawValue - previous)
            previous = inbox.rawValue
            while difference >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: difference) | 0x80)
                difference >>= 7
            }
            bytes.append(UInt8(difference))
        }
        return bytes
    }

    /// nil when the bytes are not what ``encode(_:)`` writes: cut short, overflowing, not ascending.
    package static func decode(_ bytes: [UInt8]) -> [InboxID]? {
        var inboxes: [InboxID] = []
        var previous: Int64 = 0
        var difference: Int64 = 0
        var shift: Int64 = 0
        for byte in bytes {
            difference |= Int64(byte & 0x7F) << shift
            if byte & 0x80 != 0 {
                shift += 7
                if shift > 28 { return nil }
                continue
            }
            // A last byte of zero would be a longer writing of a smaller number.
            guard byte != 0 else { return nil }
            previous += difference
            guard difference > 0, previous <= Int64(Int32.max) else { return nil }
            inboxes.append(InboxID(rawValue: Int32(previous)))
            difference = 0
            shift = 0
        }
        return shift == 0 ? inboxes : nil
    }
}

/// The 13 bytes of a pointer: activity (8), inbox (4), attempts (1), big-endian.
extension DeliveryPointer {
    package static let byteCount = 13

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: activity.rawValue >> Int64(shift)))
        }
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: inbox.rawValue >> Int32(shift)))
        }
        bytes.append(attempts)
        return bytes
    }

    /// nil unless there are exactly 13 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        let activity = bytes.prefix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let inbox = bytes.dropFirst(8).prefix(4).reduce(Int32(0)) { $0 << 8 | Int32($1) }
        let attempts = bytes.dropFirst(12).reduce(UInt8(0)) { $1 | $0 }
        self.init(
            activity: ActivityID(rawValue: activity), inbox: InboxID(rawValue: inbox),
            attempts: attempts)
    }
}

/// The 25 bytes of a delivery in `later`: its pointer, and its chain: host (4) and ordering key (8),
/// big-endian, zeros when it has none. What is due together comes back in the order of the bytes,
/// which is that of the activities.
extension Resolution.Later {
    package static let byteCount = DeliveryPointer.byteCount + 12

    package var bytes: [UInt8] {
        var bytes = pointer.bytes
        bytes.reserveCapacity(Self.byteCount)
        let host = UInt32(bitPattern: chain?.host.rawValue ?? 0)
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: host >> UInt32(shift)))
        }
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: (chain?.order.rawValue ?? 0) >> UInt64(shift)))
        }
        return bytes
    }

    /// nil unless there are exactly 25 bytes.
    package init?(bytes: some Collection<UInt8>, due: WallTime) {
        guard bytes.count == Self.byteCount,
            let pointer = DeliveryPointer(bytes: bytes.prefix(DeliveryPointer.byteCount))
        else { return nil }
        let rest = bytes.dropFirst(DeliveryPointer.byteCount)
        let host = rest.prefix(4).reduce(Int32(0)) { $0 << 8 | Int32($1) }
        let order = rest.dropFirst(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let chain = ChainKey(host: HostID(rawValue: host), order: OrderKey(rawValue: order))
        self.init(pointer: pointer, due: due, chain: host == 0 ? nil : chain)
    }
}
