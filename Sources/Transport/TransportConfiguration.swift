/// The limits and identity of a transport.

package struct TransportConfiguration: Sendable {
    package var instanceDomain: String
    package var version: String
    /// PEM bundle of the authorities that are trusted; nil: the system's.
    package var caFile: String?
    /// How often that file is looked at for a change.
    package var caFileCheckInterval: Duration = .seconds(60)
    /// Exceptions to the rule that only public addresses are connected to.
    package var allowedAddresses: [AddressRange] = []
    /// libcurl walks all idle connections of a multi handle at every completion: 15,000 in one cost
    /// 527 us of CPU per delivery, in 64 they cost 57 (facts/costs.md, section 2.3), in 128 a tenth
    /// less. A shard takes 40 kB.
    package var shardCount = 128
    /// What idle connections may take together, by `ConnectionBudget`'s reckoning; then the oldest
    /// are closed. Reopening one costs more than twice as much as a delivery.
    package var idleConnectionBytes = 1_024_000_000
    /// Of connections, idle or not: beyond it idle ones are closed, too.
    package var openConnectionLimit = Int.max
    /// Hosts whose TLS sessions are kept for the next connection; up to twice as many.
    package var sessionLimit = 4_096
    package var http2 = HTTP2Use.off
    /// TCP and TLS together.
    package var connectTimeout: Duration = .seconds(5)
    /// From the start of the transfer (after the name lookup) to the end of the answer.
    package var totalTimeout: Duration = .seconds(30)
    /// A connection that was idle for longer is not used again: many servers and NATs have
    /// forgotten it by then.
    package var idleLifetime: Duration = .seconds(110)
    /// A connection that was opened longer ago is not used again, so a host that moved is found.
    package var connectionLifetime: Duration = .seconds(1_800)
    /// All header lines of an answer together, `100 Continue` and its like included.
    package var headerByteLimit = 32_768
    /// How much of a body is read; the transfer then counts as answered.
    package var bodyByteLimit = 65_536
    /// Of all that comes over the connection for one answer, TLS and what frames the body included:
    /// libcurl shows us neither the extensions of chunks nor messages of TLS, which may be endless.
    /// More than the two limits above and the longest chain of certificates that OpenSSL takes
    /// (100 kB); looked at now and then, so a few more megabytes may have come.
    package var wireByteLimit = 1_048_576
    package var names = NameCacheLimits()

    package init(instanceDomain: String, version: String) {
        self.instanceDomain = instanceDomain
        self.version = version
    }

    /// Receivers block requests without one, and some read our domain from it
    /// (facts/receivers.md, section 1.1).
    var userAgent: String { "Trunkline/\(version) (+https://\(instanceDomain)/)" }

    var authorities: String { caFile ?? Authorities.systemFile }
}

package struct NameCacheLimits: Sendable {
    /// How long addresses are used. Our own figure: getaddrinfo(3) does not tell the record's TTL.
    package var positiveLifetime: Duration = .seconds(60)
    package var negativeLifetime: Duration = .seconds(5)
    /// A name that is used in the last part of its life is looked up again in the background, so
    /// that a busy host never waits.
    package var refreshLead: Duration = .seconds(15)
    /// While the resolver is unavailable, addresses up to this much past their life stay in use
    /// (RFC 8767): an outage of our DNS is not an outage of the hosts.
    package var staleLifetime: Duration = .seconds(3_600)
    /// A delivery that waits longer for its name fails as `nameUnavailable`.
    package var lookupTimeout: Duration = .seconds(10)
    /// Beyond it the names that expire first are forgotten.
    package var count = 65_536

    package init() {}
}
