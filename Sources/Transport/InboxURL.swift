/// An inbox URL as libcurl will use it: what is signed, scheduled by and sent must be one thing.

internal import CCurl

package enum InboxURLProblem: Error, Equatable, Sendable {
    /// Longer than `InboxURL.lengthLimit`, as it stands or as it is sent.
    case tooLong
    /// Neither http nor https.
    case scheme
    case noHost
    /// Credentials in a URL never belong to an inbox.
    case userInformation
    /// A control character or a blank anywhere.
    case forbiddenCharacter
    /// Not a name that DNS, or a port that TCP, could know.
    case invalidHost
    /// libcurl's parser refuses it.
    case malformed
}

package struct InboxURL: Hashable, Sendable {
    /// In bytes of UTF-8.
    package static let lengthLimit = 2_048

    /// As it is sent: scheme, authority and request target joined again, no fragment.
    package let url: String
    /// `http` or `https`.
    package let scheme: String
    /// Lower case, punycode, literal addresses in canonical notation, no trailing dot, and the port
    /// unless it is the scheme's default: the `Host` header and the unit of scheduling.
    package let authority: String
    /// The path and query of the request line: byte for byte as they stood, because receivers
    /// verify the signature over them. `/` for an empty path; bytes outside ASCII are
    /// percent-encoded, as libcurl does when it sends.
    package let requestTarget: String

    /// Parses with libcurl's own parser, so that there are no two opinions about where the host
    /// ends.
    ///
    /// A name can turn into a literal address on the way (percent-encoding, full-width digits), so
    /// the result is parsed again until it stays as it is.
    package static func parse(_ text: String) throws(InboxURLProblem) -> InboxURL {
        try check(text)
        var parsed = try parseOnce(text)
        for _ in 0..<2 {
            let again = try parseOnce(parsed.url)
            if again == parsed {
                // Percent-encoding makes three bytes of one.
                if parsed.url.utf8.count > lengthLimit { throw .tooLong }
                return parsed
            }
            parsed = again
        }
        throw .malformed
    }

    private static func check(_ text: String) throws(InboxURLProblem) {
        if text.utf8.count > lengthLimit { throw .tooLong }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { throw .forbiddenCharacter }
        // libcurl also takes "http:/host" and "http:///host"; nobody else does.
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw .scheme }
        guard ["http", "https"].contains(text[..<colon].lowercased()) else { throw .scheme }
        let rest = text[text.utf8.index(after: colon)...]
        guard rest.hasPrefix("//") else { throw .malformed }
        guard let first = rest.utf8.dropFirst(2).first, !"/?#".utf8.contains(first) else {
            throw .noHost
        }
    }

    private static func parseOnce(_ text: String) throws(InboxURLProblem) -> InboxURL {
        precondition(CurlLibrary.ready, "the locale C.UTF-8 is missing")
        guard let handle = curl_url() else { preconditionFailure("curl_url: out of memory") }
        defer { curl_url_cleanup(handle) }
        let flags = UInt32(CURLU_PATH_AS_IS | CURLU_DISALLOW_USER)
        let status = curl_url_set(handle, CURLUPART_URL, text, flags)
        guard status == CURLUE_OK else { throw problem(status) }

        let scheme = try part(CURLUPART_SCHEME, of: handle) ?? ""
        var host = try part(CURLUPART_HOST, of: handle, UInt32(CURLU_PUNYCODE)) ?? ""
        host = host.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        guard !host.isEmpty else { throw .noHost }
        // A zone identifier names an interface of *this* machine.
        guard try part(CURLUPART_ZONEID, of: handle) == nil, isPlausible(host) else {
            throw .invalidHost
        }
        let port = try part(CURLUPART_PORT, of: handle, UInt32(CURLU_NO_DEFAULT_PORT))
        guard port != "0" else { throw .invalidHost }

        let encoded = UInt32(CURLU_URLENCODE)
        var target = try part(CURLUPART_PATH, of: handle, encoded) ?? "/"
        // Asked for encoded, libcurl takes an empty query for none; it sends the "?" all the same.
        if try part(CURLUPART_QUERY, of: handle) != nil {
            target += "?" + (try part(CURLUPART_QUERY, of: handle, encoded) ?? "")
        }
        let authority = port.map { "\(host):\($0)" } ?? host
        return InboxURL(
            url: "\(scheme)://\(authority)\(target)", scheme: scheme, authority: authority,
            requestTarget: target)
    }

    /// Letters, digits, `-`, `_` and `.` in non-empty labels, at most 253; or an IPv6 literal, which
    /// libcurl has checked.
    private static func isPlausible(_ host: String) -> Bool {
        if host.hasPrefix("[") { return NetworkAddress(host) != nil }
        guard host.utf8.count <= 253 else { return false }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                        UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    private static func part(
        _ part: CURLUPart, of handle: OpaquePointer, _ flags: UInt32 = 0
    ) throws(InboxURLProblem) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        let status = curl_url_get(handle, part, &text, flags)
        defer { curl_free(text) }
        switch status {
        case CURLUE_OK: return text.map { String(cString: $0) }
        case CURLUE_NO_PORT, CURLUE_NO_QUERY, CURLUE_NO_ZONEID, CURLUE_NO_FRAGMENT: return nil
        default: throw problem(status)
        }
    }

    private static func problem(_ status: CURLUcode) -> InboxURLProblem {
        switch status {
        case CURLUE_BAD_SCHEME, CURLUE_UNSUPPORTED_SCHEME, CURLUE_NO_SCHEME: .scheme
        case CURLUE_NO_HOST: .noHost
        case CURLUE_USER_NOT_ALLOWED, CURLUE_BAD_LOGIN: .userInformation
        // Out of memory is what libcurl 7.88 says of a name that IDNA does not allow.
        case CURLUE_BAD_HOSTNAME, CURLUE_BAD_IPV6, CURLUE_BAD_PORT_NUMBER, CURLUE_OUT_OF_MEMORY:
            .invalidHost
        default: .malformed
        }
    }
}
