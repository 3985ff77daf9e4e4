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
        bytes.append(bigEndian: activity.rawValue)
        bytes.append(bigEndian: inbox.rawValue)
        bytes.append(attempts)
        return bytes
    }

    /// nil unless there are exactly 13 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(
            activity: ActivityID(rawValue: Int64(bigEndian: bytes.prefix(8))),
            inbox: InboxID(rawValue: Int32(bigEndian: bytes.dropFirst(8).prefix(4))),
            attempts: UInt8(bigEndian: bytes.dropFirst(12)))
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
        bytes.append(bigEndian: chain?.host.rawValue ?? 0)
        bytes.append(bigEndian: chain?.order.rawValue ?? 0)
        return bytes
    }

    /// nil unless there are exactly 25 bytes.
    package init?(bytes: some Collection<UInt8>, due: WallTime) {
        guard bytes.count == Self.byteCount,
            let pointer = DeliveryPointer(bytes: bytes.prefix(DeliveryPointer.byteCount))
        else { return nil }
        let rest = bytes.dropFirst(DeliveryPointer.byteCount)
        let host = Int32(bigEndian: rest.prefix(4))
        let order = UInt64(bigEndian: rest.dropFirst(4))
        let chain = ChainKey(host: HostID(rawValue: host), order: OrderKey(rawValue: order))
        self.init(pointer: pointer, due: due, chain: host == 0 ? nil : chain)
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

extension FixedWidthInteger {
    /// - Parameter bytes: as many as it has, or fewer.
    fileprivate init(bigEndian bytes: some Sequence<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
    }
}
