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

        /// It is sent once more in the same attempt.
        var isAtOnce: Bool { self == .knockAgain || self == .reconnect }
    }

    package enum Host: Equatable, Sendable {
        /// It answered below 500, so it is alive, whatever it said.
        case alive
        /// It asks for a pause, of this long; nil: it did not say how long. 429 proves it alive,
        /// 503 does not.
        case suspended(Duration?, isAlive: Bool)
        /// It answered, with 5xx.
        case erring
        /// There was no answer.
        ///
        /// - `isCertain`: trying again soon is pointless.
        /// - `isCongestion`: it may have had too much at once.
        case unreachable(isCertain: Bool, isCongestion: Bool)
        /// Nothing was learned about it.
        case unknown
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
