/// The parts of a URL that name several servers.

extension RedisEndpoint {
    static func sentinel(_ rest: Substring) throws(RedisEndpointError) -> RedisEndpoint {
        let form = "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE"
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest[authority.endIndex...].prefix { $0 != "?" }
        let query = rest[path.endIndex...].dropFirst()
        let names = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard let name = names.first, !name.isEmpty else {
            throw RedisEndpointError(
                what: "no name of the service", place: "after the sentinels",
                mend: "write \(form), with the name in `sentinel monitor NAME`")
        }
        guard names.count <= 2 else {
            throw RedisEndpointError(
                what: "more than a service and a database", place: "`\(path)`",
                mend: "write \(form)/DB")
        }
        var service = SentinelService(
            name: try decoded(name, "the name of the service"),
            sentinels: try addresses(authority, defaultPort: defaultSentinelPort, like: form))
        for parameter in query.split(separator: "&") {
            try take(parameter, into: &service)
        }
        var number = 0
        if names.count == 2, !names[1].isEmpty {
            number = try database(names[1], place: "`/\(names[1])`")
        }
        return RedisEndpoint(place: .sentinel(service), database: number)
    }

    static func cluster(_ rest: Substring) throws(RedisEndpointError) -> RedisEndpoint {
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest[authority.endIndex...]
        guard tail.isEmpty || tail == "/" || tail == "/0" else {
            throw RedisEndpointError(
                what: "a cluster has one database, and no parameters",
                place: "`\(tail.prefix { $0 != "=" })`",
                mend: "end the URL after the last node")
        }
        let form = "redis+cluster://HOST:PORT,HOST:PORT"
        let nodes = try addresses(authority, defaultPort: defaultPort, like: form)
        return RedisEndpoint(place: .cluster(nodes))
    }

    /// `HOST[:PORT]`, with an IPv6 address in brackets.
    static func address(
        _ text: Substring, defaultPort: Int, like form: String
    ) throws(RedisEndpointError) -> ServerAddress {
        let host: Substring
        let tail: Substring
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else {
                throw RedisEndpointError(
                    what: "an IPv6 address without its end", place: "host",
                    mend: "close it with `]`")
            }
            host = text[text.index(after: text.startIndex)..<close]
            tail = text[text.index(after: close)...]
        } else {
            host = text.prefix { $0 != ":" }
            tail = text[host.endIndex...]
        }
        guard !host.isEmpty else {
            let scheme = form.prefix { $0 != "/" }
            throw RedisEndpointError(
                what: "no host", place: "after `\(scheme)//`", mend: "write \(form)")
        }
        guard !tail.isEmpty else { return .tcp(host: String(host), port: defaultPort) }
        guard tail.first == ":", let port = decimal(tail.dropFirst()),
            (1...65_535).contains(port)
        else {
            throw RedisEndpointError(
                // What stands there may be a password whose `@HOST` is missing.
                what: "it is not a number from 1 to 65535", place: "the port of `\(host)`",
                mend: "write HOST:PORT, and an IPv6 address in brackets")
        }
        return .tcp(host: String(host), port: port)
    }

    private static func addresses(
        _ text: Substring, defaultPort: Int, like form: String
    ) throws(RedisEndpointError) -> [ServerAddress] {
        var addresses: [ServerAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            addresses.append(try address(part, defaultPort: defaultPort, like: form))
        }
        return addresses
    }

    private static func take(
        _ parameter: Substring, into service: inout SentinelService
    ) throws(RedisEndpointError) {
        let name = parameter.prefix { $0 != "=" }
        let value = parameter[name.endIndex...].dropFirst()
        // With underscores, as some Python clients write them.
        switch name.replacing("_", with: "-") {
        case "sentinel-user", "sentinel-username":
            service.user = try decoded(value, "sentinel-user")
        case "sentinel-password": service.password = try decoded(value, "sentinel-password")
        default:
            throw RedisEndpointError(
                what: "unknown parameter", place: "`\(name)`",
                mend: "only sentinel-user and sentinel-password are known")
        }
    }
}
