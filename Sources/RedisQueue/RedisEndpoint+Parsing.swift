extension RedisEndpoint {
    package init(_ url: String) throws(RedisEndpointError) {
        guard let separator = url.firstRange(of: "://") else {
            throw RedisEndpointError(
                what: "this is not a URL", place: "no `://` in it",
                mend: "write redis://HOST:PORT/DB or redis+unix:///PATH")
        }
        let scheme = url[..<separator.lowerBound].lowercased()
        var rest = url[separator.upperBound...]
        switch scheme {
        case "redis":
            let login = try Self.takeLogin(&rest, endingBefore: "/")
            self = try Self.tcp(rest)
            (user, password) = login
        case "redis+unix":
            let login = try Self.takeLogin(&rest, endingBefore: "/")
            self = try Self.unix(rest)
            (user, password) = login
        default:
            throw Self.refusal(of: scheme)
        }
    }

    private static func refusal(of scheme: String) -> RedisEndpointError {
        let place = "scheme `\(scheme)://`"
        return switch scheme {
        case "rediss":
            RedisEndpointError(
                what: "TLS to Redis is not supported", place: place,
                mend: "put stunnel between, and write redis:// or redis+unix:// for its near end "
                    + "(hiredis of Debian 12 has no TLS)")
        case "redis+sentinel", "redis+cluster":
            RedisEndpointError(
                what: "not supported yet", place: place,
                mend: "write redis://HOST:PORT/DB of the primary")
        default:
            RedisEndpointError(
                what: "unknown scheme", place: place, mend: "write redis:// or redis+unix://")
        }
    }

    /// Splits `user:password@` off the front.
    private static func takeLogin(
        _ rest: inout Substring, endingBefore end: Character
    ) throws(RedisEndpointError) -> (user: String?, password: String?) {
        let authority = rest.prefix { $0 != end }
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let login = rest[..<at]
        rest = rest[rest.index(after: at)...]
        guard let colon = login.firstIndex(of: ":") else {
            throw RedisEndpointError(
                what: "a login without a password", place: "before the `@`",
                mend: "write USER:PASSWORD@, or :PASSWORD@ for the default user")
        }
        let user = try decoded(login[..<colon], "user")
        let password = try decoded(login[login.index(after: colon)...], "password")
        return (user.isEmpty ? nil : user, password)
    }

    private static func tcp(_ rest: Substring) throws(RedisEndpointError) -> RedisEndpoint {
        let authority = rest.prefix { $0 != "/" }
        let path = rest[authority.endIndex...].dropFirst()
        let host: Substring
        let tail: Substring
        if authority.first == "[" {
            guard let close = authority.firstIndex(of: "]") else {
                throw RedisEndpointError(
                    what: "an IPv6 address without its end", place: "host",
                    mend: "close it with `]`")
            }
            host = authority[authority.index(after: authority.startIndex)..<close]
            tail = authority[authority.index(after: close)...]
        } else {
            host = authority.prefix { $0 != ":" }
            tail = authority[host.endIndex...]
        }
        guard !host.isEmpty else {
            throw RedisEndpointError(
                what: "no host", place: "after `redis://`", mend: "write redis://HOST:PORT/DB")
        }
        var port = defaultPort
        if !tail.isEmpty {
            guard tail.first == ":", let number = decimal(tail.dropFirst()),
                (1...65_535).contains(number)
            else {
                throw RedisEndpointError(
                    what: "the port is not a number from 1 to 65535", place: "`\(tail)`",
                    mend: "write HOST:PORT, and an IPv6 address in brackets")
            }
            port = number
        }
        let database = try path.isEmpty ? 0 : database(path, place: "`/\(path)`")
        return RedisEndpoint(place: .tcp(host: String(host), port: port), database: database)
    }

    private static func unix(_ rest: Substring) throws(RedisEndpointError) -> RedisEndpoint {
        let path = rest.prefix { $0 != "?" }
        let query = rest[path.endIndex...].dropFirst()
        guard path.first == "/" else {
            throw RedisEndpointError(
                what: "the path of the socket is not absolute", place: "`\(path)`",
                mend: "write three slashes: redis+unix:///run/redis.sock")
        }
        guard path.utf8.count <= longestPath else {
            throw RedisEndpointError(
                what: "the path of the socket is longer than \(longestPath) bytes",
                place: "`\(path)`", mend: "move the socket, or make a symbolic link to it")
        }
        var number = 0
        if !query.isEmpty {
            guard query.hasPrefix("db=") else {
                throw RedisEndpointError(
                    what: "unknown parameter", place: "`?\(query)`", mend: "only ?db=N is known")
            }
            number = try database(query.dropFirst(3), place: "`?\(query)`")
        }
        return RedisEndpoint(place: .unix(path: String(path)), database: number)
    }

    private static func database(
        _ text: Substring, place: String
    ) throws(RedisEndpointError) -> Int {
        guard let number = decimal(text) else {
            throw RedisEndpointError(
                what: "the database is not a number", place: place,
                mend: "write a number, as in /0 or ?db=0")
        }
        return number
    }

    /// Digits only: `Int` itself would also take a sign.
    private static func decimal(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ? Int(text) : nil
    }

    private static func decoded(
        _ text: Substring, _ part: String
    ) throws(RedisEndpointError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = Substring(rest.prefix(2))
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
                let value = UInt8(digits, radix: 16)
            else {
                throw RedisEndpointError(
                    what: "a `%` without two hexadecimal digits", place: part,
                    mend: "write %25 for a percent sign")
            }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
