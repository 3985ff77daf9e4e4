/// A CIDR block: `10.0.0.0/8`, `fc00::/7`, or one address.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    private let base: UInt128
    private let mask: UInt128
    package let description: String

    /// nil unless the text is an address, or an address, `/` and a prefix length that fits it.
    /// Bits beyond the prefix are ignored.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = NetworkAddress(String(parts[0])) else {
            return nil
        }
        // A block written in IPv6 notation counts its bits from the start of the IPv6 address,
        // also when it lies in the IPv4-mapped range.
        let width = parts[0].contains(":") ? 128 : 32
        var length = width
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...width).contains(given) else { return nil }
            length = given
        }
        let bits = 128 - width + length
        mask = bits == 0 ? 0 : UInt128.max << UInt128(128 - bits)
        base = address.value & mask
        description = text
    }

    package func contains(_ address: NetworkAddress) -> Bool { address.value & mask == base }
}

extension AddressRange: ExpressibleByStringLiteral {
    /// For tables in the source; a malformed literal is a bug.
    package init(stringLiteral text: String) {
        guard let range = AddressRange(text) else {
            preconditionFailure("not an address range: \(text)")
        }
        self = range
    }
}
