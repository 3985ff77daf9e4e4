/// Where transfers go: an authority taken apart.

internal import CCurl

/// Made once for all transfers to a host, which share it.
final class Destination {
    let authority: String
    /// Without port; an IPv6 literal keeps its brackets.
    let name: String
    let isLiteral: Bool
    let isSecure: Bool
    let seed: NameSeed
    var connections = HostConnections()
    /// Of the connection that streams share, once it is known.
    var sharedDescriptor: Int32?

    /// - Parameter seeds: of all destinations, by name and port.
    init?(authority: String, isSecure: Bool, seeds: inout [String: NameSeed]) {
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
        self.isSecure = isSecure
        isLiteral = NetworkAddress(name) != nil
        let key = "\(name):\(port)"
        seed = seeds[key] ?? NameSeed(key)
        seeds[key] = seed
    }
}

extension Destination {
    func kind(isShared: Bool) -> ConnectionBudget.Kind {
        isShared ? .shared : isSecure ? .secure : .plain
    }
}

/// What stands in libcurl's name cache for one name and port.
///
/// Shared by all destinations with these, http and https: the cache knows no other difference. Each
/// multi handle has a cache of its own.
final class NameSeed {
    /// `name:port`, as CURLOPT_RESOLVE takes it.
    let key: String
    /// FNV-1a of the key: the same in every process, unlike Swift's own hashes.
    let hash: UInt64
    /// nil: it knows nothing of it.
    var addresses: [String]?
    /// Under way now.
    var transfers = 0
    /// The same name in the libcurl handle for streams, once it was needed there.
    private(set) lazy var ofStreams = NameSeed(of: self)
    private var hasStreams = false

    init(_ key: String) {
        self.key = key
        hash = key.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private init(of other: NameSeed) {
        key = other.key
        hash = other.hash
        other.hasStreams = true
    }

    var isNeeded: Bool {
        addresses != nil || transfers > 0 || hasStreams && ofStreams.isNeeded
    }
}

/// The destinations that have been taken apart.
struct DestinationTable {
    /// Beyond it those are forgotten of which libcurl knows nothing.
    private static let limit = 131_072

    private var secure: [String: Destination] = [:]
    private var plain: [String: Destination] = [:]
    private var seeds: [String: NameSeed] = [:]

    /// nil unless `url` is `http(s)://` + `authority` + `/...`: an authority that differs from the
    /// URL's would have libcurl look up a name that we have not judged.
    mutating func destination(url: String, authority: String) -> Destination? {
        if Self.leads(url, "https://", authority) {
            if let known = secure[authority] { return known }
            makeRoom()
            let new = Destination(authority: authority, isSecure: true, seeds: &seeds)
            secure[authority] = new
            return new
        }
        guard Self.leads(url, "http://", authority) else { return nil }
        if let known = plain[authority] { return known }
        makeRoom()
        let new = Destination(authority: authority, isSecure: false, seeds: &seeds)
        plain[authority] = new
        return new
    }

    private mutating func makeRoom() {
        guard seeds.count >= Self.limit else { return }
        secure = secure.filter { $0.value.seed.isNeeded }
        plain = plain.filter { $0.value.seed.isNeeded }
        seeds = seeds.filter { $0.value.isNeeded }
    }

    private static func leads(_ url: String, _ scheme: StaticString, _ authority: String) -> Bool {
        var url = url
        var authority = authority
        return url.withUTF8 { url in
            authority.withUTF8 { authority in
                let start = scheme.utf8CodeUnitCount
                let end = start + authority.count
                guard url.count > end, url[end] == UInt8(ascii: "/"),
                    let text = url.baseAddress, memcmp(text, scheme.utf8Start, start) == 0
                else { return false }
                guard let name = authority.baseAddress else { return true }
                return memcmp(text + start, name, authority.count) == 0
            }
        }
    }
}
