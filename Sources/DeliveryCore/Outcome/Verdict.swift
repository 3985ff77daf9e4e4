/// What an exchange means for the delivery it was made for, and for the host it was made with.
package struct Verdict: Equatable, Sendable {
    package enum Item: Equatable, Sendable {
        case delivered
        /// Send once more at once, signed the other way (RFC 9421 instead of draft-cavage).
        case knockAgain
        /// Send once more at once, on a new connection (421, Misdirected Request).
        case reconnect
        /// Wait on its own, about this long.
        case retry(after: Duration)
        /// Wait for the host.
        case hold
        /// Give up on this delivery.
        case failed
    }

    package enum Host: Equatable, Sendable {
        case succeeded
        /// It answers, so it is alive; nothing more is known.
        case reachable
        /// It asks for a pause, of this long.
        case suspended(Duration)
        /// It, or the way to it, is in trouble.
        case troubled
    }

    package var item: Item
    package var host: Host
    /// A stable word for records and metrics: `delivered`, `server-error`, `connect-failed`, ...
    package var reason: String

    package init(item: Item, host: Host, reason: String) {
        self.item = item
        self.host = host
        self.reason = reason
    }
}
