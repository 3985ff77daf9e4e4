import NIOCore
import Synchronization

/// How many connections there are and were.
struct ConnectionCounts: Sendable {
    var tls = SinkReport.Connections(open: 0, total: 0)
    var plain = SinkReport.Connections(open: 0, total: 0)
}

/// The open connections, so that the sink can end them when it stops.
final class ConnectionTable: Sendable {
    private struct Table {
        var counts = ConnectionCounts()
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    private let table = Mutex(Table())

    var counts: ConnectionCounts { table.withLock(\.counts) }

    func opened(_ channel: any Channel, _ scheme: Origin.Scheme) {
        table.withLock { table in
            table.channels[ObjectIdentifier(channel)] = channel
            let counts = Self.counts(of: scheme)
            table.counts[keyPath: counts].open += 1
            table.counts[keyPath: counts].total += 1
        }
    }

    func closed(_ channel: any Channel, _ scheme: Origin.Scheme) {
        table.withLock { table in
            guard table.channels.removeValue(forKey: ObjectIdentifier(channel)) != nil else {
                return
            }
            table.counts[keyPath: Self.counts(of: scheme)].open -= 1
        }
    }

    /// The totals start again; what is open stays counted.
    func reset() {
        table.withLock { table in
            table.counts.tls.total = table.counts.tls.open
            table.counts.plain.total = table.counts.plain.open
        }
    }

    /// Ends all connections at once, without waiting for TLS to say goodbye: a client that does not
    /// read would make that take seconds.
    func closeAll() {
        for channel in table.withLock({ Array($0.channels.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(ConnectionDoor.Order.close)
        }
    }

    private static func counts(
        of scheme: Origin.Scheme
    ) -> any WritableKeyPath<ConnectionCounts, SinkReport.Connections> & Sendable {
        switch scheme {
        case .https: \.tls
        case .http: \.plain
        }
    }
}
