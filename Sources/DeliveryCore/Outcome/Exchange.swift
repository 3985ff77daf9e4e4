/// What came of one HTTP exchange, before anybody has judged it.
package enum Exchange: Equatable, Sendable {
    case answered(Answer)
    case failed(TransportFailure, detail: String)
}

/// A complete HTTP answer, as much of it as is kept.
package struct Answer: Equatable, Sendable {
    /// The most bytes of a body that are kept as an excerpt; the rest is read and dropped.
    package static let excerptLimit = 1_024

    package var status: Int
    /// The `Retry-After` field as it stood (RFC 9110 section 10.2.3), unparsed.
    package var retryAfter: String?
    /// The `X-RateLimit-Remaining` and `X-RateLimit-Reset` fields, unparsed; both or neither.
    package var rateLimit: RateLimitFields?
    /// The start of the body: bytes, because answers are not always UTF-8.
    package var excerpt: [UInt8]

    package init(
        status: Int, retryAfter: String? = nil, rateLimit: RateLimitFields? = nil,
        excerpt: [UInt8] = []
    ) {
        self.status = status
        self.retryAfter = retryAfter
        self.rateLimit = rateLimit
        self.excerpt = excerpt
    }
}

package struct RateLimitFields: Equatable, Sendable {
    package var remaining: String
    package var reset: String

    package init(remaining: String, reset: String) {
        self.remaining = remaining
        self.reset = reset
    }
}

/// Why there was no answer.
package enum TransportFailure: String, Equatable, Sendable, CaseIterable {
    /// NXDOMAIN: the name does not exist.
    case nameNotFound = "name-not-found"
    /// The resolver could not tell.
    case nameUnavailable = "name-unavailable"
    case connectFailed = "connect-failed"
    case connectTimedOut = "connect-timed-out"
    /// The handshake failed for a reason other than the certificate.
    case tlsFailed = "tls-failed"
    /// Expired, for another name, or not signed by a known authority.
    case certificateInvalid = "certificate-invalid"
    /// Connected, and no complete answer in time.
    case timedOut = "timed-out"
    /// The connection broke before the answer was complete.
    case connectionLost = "connection-lost"
    /// The bytes were not HTTP, or the header fields exceeded their limit.
    case malformedAnswer = "malformed-answer"
    /// The connected address is not public and not on the allow-list.
    case forbiddenAddress = "forbidden-address"
    /// libcurl could not take the request; our fault, not the host's.
    case notSent = "not-sent"
}
