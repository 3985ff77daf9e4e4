/// Where a transfer goes: the authority taken apart.

struct Destination {
    let authority: String
    /// Without port; an IPv6 literal keeps its brackets.
    let name: String
    let port: UInt16
    let isLiteral: Bool
    let isSecure: Bool

    /// nil unless `url` is `http(s)://` + `authority` + `/...`: an authority that differs from the
    /// URL's would have libcurl look up a name that we have not judged.
    init?(url: String, authority: String) {
        guard let isSecure = Self.isSecure(url.utf8, authority.utf8) else { return nil }
        var name = authority
        var port: UInt16 = isSecure ? 443 : 80
        if let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")), !authority.hasSuffix("]") {
            guard let given = UInt16(authority[authority.utf8.index(after: colon)...]) else {
                return nil
            }
            name = String(authority[..<colon])
            port = given
        }
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "*")) else { return nil }
        self.authority = authority
        self.name = name
        self.port = port
        self.isSecure = isSecure
        isLiteral = NetworkAddress(name) != nil
    }

    private static func isSecure(_ url: String.UTF8View, _ authority: String.UTF8View) -> Bool? {
        for (scheme, isSecure) in [("https://", true), ("http://", false)]
        where url.starts(with: scheme.utf8) {
            let rest = url.dropFirst(scheme.utf8.count)
            guard rest.starts(with: authority),
                rest.dropFirst(authority.count).first == UInt8(ascii: "/")
            else { return nil }
            return isSecure
        }
        return nil
    }
}
