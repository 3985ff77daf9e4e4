import NIOCore
import Synchronization

/// How many connections there are and were.
struct ConnectionCounts: Sendable {
    var tls = SinkReport.Connections(open: 0, total: 0)
    var plain = SinkReport.Connections(open: 0, total: 0)
    /// Of those over TLS.
    var http2 = SinkReport.Connections(open: 0, total: 0)
}

/// The open connections, so that the sink can end them when it stops.
final class ConnectionTable: Sendable {
    private struct Table {
        var counts = ConnectionCounts()
        var entries: [ObjectIdentifier: Entry] = [:]
    }

    private struct Entry {
        let channel: any Channel
        let scheme: Origin.Scheme
        var isHTTP2 = false
    }

    private let table = Mutex(Table())

    var counts: ConnectionCounts { table.withLock(\.counts) }

    func opened(_ channel: any Channel, _ scheme: Origin.Scheme) {
        table.withLock { table in
            table.entries[ObjectIdentifier(channel)] = Entry(channel: channel, scheme: scheme)
            let counts = Self.counts(of: scheme)
            table.counts[keyPath: counts].open += 1
            table.counts[keyPath: counts].total += 1
        }
    }

    /// An open connection turned out to be one of HTTP/2.
    func chose2(_ channel: any Channel) {
        table.withLock { table in
            let id = ObjectIdentifier(channel)
            guard table.entries[id]?.isHTTP2 == false else { return }
            table.entries[id]?.isHTTP2 = true
            table.counts.http2.open += 1
            table.counts.http2.total += 1
        }
    }

    func closed(_ channel: any Channel, _ scheme: Origin.Scheme) {
        table.withLock { table in
            guard let entry = table.entries.removeValue(forKey: ObjectIdentifier(channel)) else {
                return
            }
            table.counts[keyPath: Self.counts(of: scheme)].open -= 1
            if entry.isHTTP2 { table.counts.http2.open -= 1 }
        }
    }

    /// The totals start again; what is open stays counted.
    func reset() {
        table.withLock { table in
            table.counts.tls.total = table.counts.tls.open
            table.counts.plain.total = table.counts.plain.open
            table.counts.http2.total = table.counts.http2.open
        }
    }

    /// Ends the connections over TLS as servers end idle ones: with close_notify, and then at once.
    func hangUp() {
        for entry in table.withLock({ Array($0.entries.values) }) where entry.scheme == .https {
            entry.channel.close(promise: nil)
            entry.channel.pipeline.fireUserInboundEventTriggered(ConnectionDoor.Order.close)
        }
    }

    /// Ends all connections at once, without waiting for TLS to say goodbye: a client that does not
    /// read would make that take seconds.
    func closeAll() {
        for entry in table.withLock({ Array($0.entries.values) }) {
            entry.channel.pipeline.fireUserInboundEventTriggered(ConnectionDoor.Order.close)
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
