/// The parts of an inbox URL that are sent and signed.
///
/// The path is taken byte for byte: Mobilizon inboxes contain `@`, and verifiers rebuild the signed
/// line from what they saw (`facts/receivers.md` 1.1). Only the authority is normalised: lower
/// case, default port dropped.
package struct InboxTarget: Hashable, Sendable {
    package enum Flaw: Error, Hashable, Sendable {
        case notHTTP
        case hasUserInformation
        case hasNoHost
        case malformedAuthority
        /// A blank, a control character or anything outside ASCII: would break the request line.
        case forbiddenByte(UInt8)
    }

    package enum Scheme: String, Hashable, Sendable {
        case http, https

        var defaultPort: Int { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    /// The `Host` field: lower case, with the port when it is not the scheme's own.
    package let authority: [UInt8]
    /// The request target: path and query as written, `/` when there is no path, no fragment.
    package let requestTarget: [UInt8]

    /// Takes an absolute http or https URL whose host is already ASCII (punycode).
    package init(url: String) throws(Flaw) {
        let bytes = Array(url.utf8)
        for byte in bytes where !(0x21...0x7E).contains(byte) { throw .forbiddenByte(byte) }
        let (scheme, start) = try Self.scheme(of: bytes)
        let end = bytes[start...].firstIndex { isDelimiter($0) } ?? bytes.endIndex
        self.scheme = scheme
        authority = try Self.authority(bytes[start..<end], scheme: scheme)
        var target = Array(bytes[end...].prefix { $0 != UInt8(ascii: "#") })
        if target.first != UInt8(ascii: "/") { target.insert(UInt8(ascii: "/"), at: 0) }
        requestTarget = target
    }

    /// `@target-uri` (RFC 9421 section 2.2.2): the absolute URL as requested, without a fragment.
    package var uri: [UInt8] {
        var uri: [UInt8] = []
        uri.reserveCapacity(authority.count + requestTarget.count + 8)
        uri += scheme.rawValue.utf8
        uri += "://".utf8
        uri += authority
        uri += requestTarget
        return uri
    }

    /// The request target up to the query: what about half of the receivers verify instead when an
    /// inbox URL has a query (`facts/receivers.md` 1.3).
    package var path: [UInt8] { Array(requestTarget.prefix { $0 != UInt8(ascii: "?") }) }

    private static func scheme(of bytes: [UInt8]) throws(Flaw) -> (Scheme, start: Int) {
        if hasPrefix("https://", bytes) { return (.https, 8) }
        if hasPrefix("http://", bytes) { return (.http, 7) }
        throw .notHTTP
    }

    /// Whatever the case: a scheme has none (RFC 3986 section 3.1).
    private static func hasPrefix(_ prefix: String, _ bytes: [UInt8]) -> Bool {
        bytes.prefix(prefix.utf8.count).elementsEqual(prefix.utf8) { lowercased($0) == $1 }
    }

    private static func authority(
        _ written: ArraySlice<UInt8>, scheme: Scheme
    ) throws(Flaw) -> [UInt8] {
        if written.contains(UInt8(ascii: "@")) { throw .hasUserInformation }
        let closing = written.lastIndex(of: UInt8(ascii: "]"))
        let colon = written[(closing ?? written.startIndex)...].firstIndex(of: UInt8(ascii: ":"))
        let host = written[..<(colon ?? written.endIndex)]
        if host.isEmpty { throw .hasNoHost }
        try checkHost(host)
        guard let colon else { return host.map(lowercased) }
        let digits = written[(colon + 1)...]
        if digits.isEmpty { return host.map(lowercased) }
        guard digits.count <= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .malformedAuthority
        }
        let port = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (1...65_535).contains(port) else { throw .malformedAuthority }
        if port == scheme.defaultPort { return host.map(lowercased) }
        return host.map(lowercased) + Array(":\(port)".utf8)
    }

    /// A name, an IPv4 address or a bracketed IPv6 address; nothing percent-encoded.
    private static func checkHost(_ host: ArraySlice<UInt8>) throws(Flaw) {
        var inner = host
        if host.first == UInt8(ascii: "[") {
            guard host.last == UInt8(ascii: "]"), host.count > 2 else { throw .malformedAuthority }
            inner = host.dropFirst().dropLast()
            guard inner.allSatisfy({ isHexDigit($0) || $0 == 0x3A || $0 == 0x2E }) else {
                throw .malformedAuthority
            }
            return
        }
        guard inner.allSatisfy(isNameByte) else { throw .malformedAuthority }
    }
}

private func isDelimiter(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"):
        true
    default: false
    }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
}
