extension RedisEndpoint {
    package init(_ url: String) throws(RedisEndpointError) {
        guard let separator = url.firstRange(of: "://") else {
            throw RedisEndpointError(
                what: "this is not a URL", place: "no `://` in it",
                mend: "write redis://HOST:PORT/DB or redis+unix:///PATH")
        }
        let scheme = url[..<separator.lowerBound].lowercased()
        var rest = url[separator.upperBound...]
        let known = ["redis", "redis+unix", "redis+sentinel", "redis+cluster"]
        guard known.contains(scheme) else { throw Self.refusal(of: scheme) }
        let login = try Self.takeLogin(&rest, endingBefore: "/")
        if Self.hasStrayLogin(rest, scheme) { throw Self.unencodedLogin }
        self =
            switch scheme {
            case "redis": try Self.tcp(rest)
            case "redis+unix": try Self.unix(rest)
            case "redis+sentinel": try Self.sentinel(rest)
            default: try Self.cluster(rest)
            }
        (user, password) = login
    }

    /// Whether a login goes on behind the first slash: then what follows is no place, and is not
    /// for anybody to see.
    private static func hasStrayLogin(_ rest: Substring, _ scheme: String) -> Bool {
        // The path of a socket may have an `@` in it, but begins with a slash.
        if scheme == "redis+unix", rest.first == "/" { return false }
        return rest.contains("@")
    }

    private static var unencodedLogin: RedisEndpointError {
        RedisEndpointError(
            what: "an `@` where none can be", place: "behind the first `/`",
            mend:
                "percent-encode user and password: `/` is %2F, `@` %40, `:` %3A, `?` %3F, `#` %23, "
                + "`%` %25")
    }

    private static func refusal(of scheme: String) -> RedisEndpointError {
        // Anything else may be more than a scheme.
        let isName = scheme.allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        let place = isName ? "scheme `\(scheme)://`" : "before the `://`"
        guard scheme.hasPrefix("rediss") else {
            return RedisEndpointError(
                what: "unknown scheme", place: place,
                mend: "write redis://, redis+unix://, redis+sentinel:// or redis+cluster://")
        }
        return RedisEndpointError(
            what: "TLS to Redis is not supported", place: place,
            mend: "hiredis of Debian 12 has none: put stunnel between (`client = yes`, "
                + "`accept = 127.0.0.1:6380`, `connect = HOST:PORT`, `verifyChain = yes`), and "
                + "write redis://127.0.0.1:6380")
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
        let address = try address(authority, defaultPort: defaultPort, like: "redis://HOST:PORT/DB")
        let shown = path.prefix { $0 != "?" && $0 != "#" }
        let database = try path.isEmpty ? 0 : database(path, place: "`/\(shown)`")
        return RedisEndpoint(place: .server(address), database: database)
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
                    what: "unknown parameter", place: "`?\(query.prefix { $0 != "=" })`",
                    mend: "only ?db=N is known")
            }
            number = try database(query.dropFirst(3), place: "`?\(query)`")
        }
        return RedisEndpoint(place: .unix(path: String(path)), database: number)
    }

    static func database(
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
    static func decimal(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ? Int(text) : nil
    }

    static func decoded(
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
