/// When HTTP/2 is offered to servers.
package enum HTTP2Use: String, CaseIterable, Sendable {
    /// Where it saves connections, as `HostConnections` decides.
    case auto
    /// HTTP/1.1 alone.
    case off
    /// Wherever the server speaks it: to measure.
    case always
}
