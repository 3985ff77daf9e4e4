package import DeliveryCore

/// One activity for one inbox: what is owed.
package struct Delivery: Hashable, CustomStringConvertible, Sendable {
    package var activity: ActivityID
    package var inbox: InboxID

    package init(activity: ActivityID, inbox: InboxID) {
        self.activity = activity
        self.inbox = inbox
    }

    package init(_ pointer: DeliveryPointer) {
        self.init(activity: pointer.activity, inbox: pointer.inbox)
    }

    /// Twenty tables know of every delivery: they scatter it as they do its numbers.
    package func _rawHashValue(seed: Int) -> Int {
        let first = SeededGenerator.mix(UInt64(bitPattern: activity.rawValue ^ Int64(seed)))
        return Int(
            truncatingIfNeeded: SeededGenerator.mix(first ^ UInt64(inbox.rawValue.magnitude)))
    }

    package var description: String {
        "\(activity.rawValue)->h\(inbox.host.rawValue)/\(inbox.rawValue % InboxID.perHost)"
    }
}

/// Inboxes carry their host in their number, so that nobody has to look it up.
extension InboxID {
    package static let perHost: Int32 = 64

    package init(host: HostID, number: Int) {
        self.init(rawValue: host.rawValue * Self.perHost + Int32(number) % Self.perHost)
    }

    package var host: HostID { HostID(rawValue: rawValue / Self.perHost) }
    package var url: String { "https://\(host.name)/inbox/\(rawValue)" }

    /// The number behind the last slash; nil when the world has made no such address.
    package init?(url: String) {
        var number: Int32 = 0
        var factor: Int32 = 1
        for byte in url.utf8.reversed() {
            if byte == UInt8(ascii: "/") {
                guard factor > 1 else { return nil }
                self.init(rawValue: number)
                return
            }
            guard 48...57 ~= byte, factor < 1_000_000_000 else { return nil }
            number += Int32(byte - 48) * factor
            factor *= 10
        }
        return nil
    }
}

extension HostID {
    package var name: String { "h\(rawValue).example" }
}

extension LogEntry {
    package var deliveries: [Delivery] {
        switch content {
        case .fanout(let fanout):
            fanout.inboxes.map { Delivery(activity: fanout.activity, inbox: $0) }
        case .pointers(let pointers): pointers.map(Delivery.init)
        case .malformed: []
        }
    }
}
