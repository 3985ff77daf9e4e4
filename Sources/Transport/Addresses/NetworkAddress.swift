/// One IPv4 or IPv6 address as a number, so that a range check is a mask and a comparison.

internal import CCurl

/// IPv4 stands at ::ffff:0:0/96 (RFC 4291 section 2.5.5.2), so an IPv4-mapped IPv6 address *is* its
/// IPv4 address here and cannot be used to walk around a rule for it.
package struct NetworkAddress: Hashable, Sendable {
    package let value: UInt128

    init(value: UInt128) { self.value = value }

    init(version4 value: UInt32) { self.value = 0xFFFF_0000_0000 | UInt128(value) }

    /// The IPv4 address, for those that are one.
    var version4: UInt32? {
        value >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: value) : nil
    }

    /// Reads what libcurl and `inet_aton(3)` take for a literal: dotted quads, IPv4 in one to four
    /// decimal, octal or hexadecimal parts (`2130706433`, `0x7f.1`), IPv6 with or without brackets
    /// and zone identifier. nil: a name.
    package init?(_ text: String) {
        var digits = text[...]
        if digits.hasPrefix("["), digits.hasSuffix("]") { digits = digits.dropFirst().dropLast() }
        if digits.contains(":") {
            if let zone = digits.firstIndex(of: "%") { digits = digits[..<zone] }
            var bytes = in6_addr()
            guard inet_pton(AF_INET6, String(digits), &bytes) == 1 else { return nil }
            self.init(bytes)
        } else {
            if digits.hasSuffix(".") { digits = digits.dropLast() }
            guard let value = Self.version4(digits) else { return nil }
            self.init(version4: value)
        }
    }

    /// What `inet_ntop(3)` has written, as libcurl tells the address of a connection. The same as the
    /// one above without its liberties, and a tenth of its price.
    init?(presented text: UnsafePointer<CChar>) {
        var version4 = in_addr()
        if inet_pton(AF_INET, text, &version4) == 1 {
            self.init(version4: UInt32(bigEndian: version4.s_addr))
        } else {
            self.init(String(cString: text))
        }
    }

    /// nil when the family is neither IPv4 nor IPv6.
    init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            self = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                NetworkAddress(version4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            self = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                NetworkAddress($0.pointee.sin6_addr)
            }
        default: return nil
        }
    }

    private init(_ bytes: in6_addr) {
        value = withUnsafeBytes(of: bytes) { $0.reduce(0) { $0 << 8 | UInt128($1) } }
    }

    /// The last part fills all bytes that the parts before it left over, as in `inet_aton(3)`.
    private static func version4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 4 else { return nil }
        var value: UInt32 = 0
        for (index, part) in parts.enumerated() {
            guard let number = part32(part) else { return nil }
            if index < parts.count - 1 {
                guard number <= 0xFF else { return nil }
                value |= number << UInt32(24 - 8 * index)
            } else {
                let bitsLeft = UInt32(32 - 8 * index)
                guard bitsLeft == 32 || number < 1 << bitsLeft else { return nil }
                value |= number
            }
        }
        return value
    }

    private static func part32(_ part: Substring) -> UInt32? {
        let isHexadecimal = part.hasPrefix("0x") || part.hasPrefix("0X")
        let radix = isHexadecimal ? 16 : part.hasPrefix("0") && part.count > 1 ? 8 : 10
        let digits = isHexadecimal ? part.dropFirst(2) : part
        // UInt32.init(_:radix:) takes a sign, inet_aton does not.
        guard let first = digits.utf8.first, first != UInt8(ascii: "+") else { return nil }
        return UInt32(digits, radix: radix)
    }
}
