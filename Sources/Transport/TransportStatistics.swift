/// Counts since the transport was made.

package import DeliveryCore

package struct TransportStatistics: Equatable, Sendable {
    package private(set) var answered = 0
    package private(set) var failures: [TransportFailure: Int] = [:]
    package private(set) var newConnections = 0
    /// Transfers that opened no connection.
    package private(set) var reused = 0
    /// Of all transfers, those over HTTP/2.
    package private(set) var http2 = 0
    /// Name lookups that were started.
    package var lookups = 0
    /// Open now, and used by no transfer.
    package var idleConnections = 0
    /// What those are assumed to take.
    package var idleConnectionBytes = 0

    package init() {}

    mutating func count(_ report: TransferReport) {
        newConnections += report.connectCount
        if report.reused { reused += 1 }
        if report.isHTTP2 { http2 += 1 }
        switch report.exchange {
        case .answered: answered += 1
        case .failed(let failure, _): failures[failure, default: 0] += 1
        }
    }
}
