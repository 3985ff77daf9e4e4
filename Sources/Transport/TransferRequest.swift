/// One POST to be made, and what came of it.

package import DeliveryCore

package struct TransferRequest {
    /// Comes back in the report; means nothing here.
    package var token: UInt64
    /// As `InboxURL.url` gives it.
    package var url: String
    /// As `InboxURL.authority` gives it; must be the one in `url`.
    package var host: String
    /// `Date: Wed, ...` and others, sent in this order after `Host` and `User-Agent` and before
    /// `Content-Length`. None of those three may be among them.
    package var headers: HeaderLines
    package var body: RequestBody
    /// Never on a connection that was kept: for a 421, whose sender shares addresses with others.
    package var onFreshConnection = false
    /// Called around what is done with these bytes, which may be after a name was looked up.
    package var holding: (() -> Void) -> Void = { $0() }

    package init(
        token: UInt64, url: String, host: String, headers: HeaderLines, body: RequestBody
    ) {
        self.token = token
        self.url = url
        self.host = host
        self.headers = headers
        self.body = body
    }
}

package struct TransferReport: Equatable, Sendable {
    package var token: UInt64
    package var exchange: Exchange
    /// From `send`, so a name lookup is part of it.
    package var duration: Duration
    /// New connections that were opened for it; 2 when a kept-alive one turned out to be dead.
    package var connectCount: Int
    /// The last address that was connected to, without port.
    package var remoteAddress: String?
    package var isHTTP2 = false

    /// Whether no connection had to be opened.
    package var reused: Bool { connectCount == 0 && remoteAddress != nil }
}
