/// Which addresses a delivery may connect to: the public ones, and those that the operator allows.
///
/// Inbox URLs and DNS answers come from strangers; without this anybody could have us POST to the
/// services of our own network (SSRF), also by a name whose address changes between a check and
/// the connection (DNS rebinding). So what is judged is the address of the socket, at the moment
/// libcurl opens it. Sources: the IANA special-purpose address registries (RFC 6890) as of 2026.
package struct AddressGuard: Sendable {
    /// Wins over every rule below.
    package var allowed: [AddressRange]

    package init(allowed: [AddressRange] = []) { self.allowed = allowed }

    package func permits(_ address: NetworkAddress) -> Bool {
        if allowed.contains(where: { $0.contains(address) }) { return true }
        if address.version4 != nil { return !Self.special4.contains { $0.contains(address) } }
        if Self.translated.contains(address) {
            // NAT64: the address that the translator will connect to is in the last 32 bits.
            let target = NetworkAddress(version4: UInt32(truncatingIfNeeded: address.value))
            return permits(target)
        }
        return Self.globalUnicast.contains(address)
            && !Self.special6.contains { $0.contains(address) }
    }

    /// Judges a host that is written as an address, in any notation that libcurl would accept.
    ///
    /// nil: it is a name. Lets the expansion refuse an inbox at once; the judgement that counts is
    /// still the one on the connected address.
    package func permits(_ host: String) -> Bool? {
        NetworkAddress(host).map { permits($0) }
    }

    private static let special4: [AddressRange] = [
        "0.0.0.0/8",  // this network
        "10.0.0.0/8",  // private
        "100.64.0.0/10",  // carrier-grade NAT
        "127.0.0.0/8",  // loopback
        "169.254.0.0/16",  // link-local, cloud metadata
        "172.16.0.0/12",  // private
        "192.0.0.0/24",  // IETF protocol assignments
        "192.0.2.0/24",  // documentation
        "192.88.99.0/24",  // 6to4 relays, deprecated
        "192.168.0.0/16",  // private
        "198.18.0.0/15",  // benchmarking
        "198.51.100.0/24",  // documentation
        "203.0.113.0/24",  // documentation
        "224.0.0.0/4",  // multicast
        "240.0.0.0/4",  // reserved, broadcast
    ]

    /// The well-known prefix of NAT64 (RFC 6052): how an IPv6-only network reaches IPv4 hosts.
    private static let translated: AddressRange = "64:ff9b::/96"

    /// All that IANA has given out. What is outside (unspecified, loopback, local NAT64, discard,
    /// unique local, link-local, site-local, multicast, segment routing) is nobody's server.
    private static let globalUnicast: AddressRange = "2000::/3"

    private static let special6: [AddressRange] = [
        "2001::/23",  // IETF protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  // documentation
        "2002::/16",  // 6to4: embeds an IPv4 address, deprecated
        "3fff::/20",  // documentation
    ]
}
