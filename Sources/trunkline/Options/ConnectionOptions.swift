internal import ArgumentParser
internal import Glibc
internal import RedisQueue

/// Where Redis and PostgreSQL are: the flags that every command shares.
///
/// A flag beats every environment variable; of two flags, and of two variables, the server's own
/// beats the state directory.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Redis: redis://HOST:PORT/DB, redis+unix:///PATH, redis+sentinel://HOST:PORT,.../SERVICE/DB \
            or redis+cluster://HOST:PORT,... (env: TRUNKLINE_REDIS_URL)
            """,
            valueName: "url"))
    var redis: String?

    @Option(
        help: ArgumentHelp(
            """
            PostgreSQL: a libpq string or URI. Passwords belong into the variable: others see \
            flags. (env: TRUNKLINE_DATABASE_URL)
            """,
            valueName: "conninfo"))
    var database: String?

    @Option(
        help: ArgumentHelp(
            """
            Directory of `run --embedded`, whose private Redis and PostgreSQL are meant. \
            (env: TRUNKLINE_STATE_DIRECTORY)
            """,
            valueName: "dir"))
    var stateDirectory: String?

    @Option(help: ArgumentHelp("What our keys in Redis start with.", valueName: "prefix"))
    var keyPrefix = "trunkline:"

    @Option(
        help: ArgumentHelp(
            """
            Options of `run`, a line each, as `slots = 500`; other commands take from it where \
            Redis and PostgreSQL are, and what else they share with it. Flags and variables beat it.
            """,
            valueName: "file"))
    var config: String?

    func validate() throws {
        guard !keyPrefix.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 <= 0x20 }) else {
            throw ValidationError("--key-prefix takes no blanks, control characters and braces.")
        }
    }

    /// - Throws: ``CommandFailure`` of usage, when nothing or nonsense is given.
    func redisEndpoint() throws -> RedisEndpoint {
        switch place(flag: redis, variable: Self.redisVariable) {
        case .server(let url, let origin):
            do {
                return try RedisEndpoint(url)
            } catch {
                throw CommandFailure.usage("\(origin("--redis")): \(error)")
            }
        case .stateDirectory(let directory):
            let path = directory + "/redis.sock"
            guard path.utf8.count <= RedisEndpoint.longestPath else {
                throw CommandFailure.usage(
                    "the state directory \(directory) is too long for a Unix socket in it "
                        + "(\(RedisEndpoint.longestPath) bytes): choose a shorter one")
            }
            return RedisEndpoint(place: .unix(path: path))
        case .unknown:
            throw Self.nothingGiven("Redis", flag: "--redis URL", variable: Self.redisVariable)
        }
    }

    /// As a child process is told of it.
    func redisURL() throws -> String {
        switch place(flag: redis, variable: Self.redisVariable) {
        case .server(let url, _): return url
        case .stateDirectory(let directory): return "redis+unix://\(directory)/redis.sock"
        case .unknown:
            throw Self.nothingGiven("Redis", flag: "--redis URL", variable: Self.redisVariable)
        }
    }

    /// - Throws: ``CommandFailure`` of usage, when nothing is given.
    func databaseConnectionString() throws -> String {
        switch place(flag: database, variable: Self.databaseVariable) {
        case .server(let text, _): return text
        case .stateDirectory(let directory):
            // libpq's quoting, manual 34.1.1.1.
            let host = directory.map { $0 == "\\" || $0 == "'" ? "\\\($0)" : "\($0)" }.joined()
            return "host='\(host)' dbname=trunkline"
        case .unknown:
            throw Self.nothingGiven(
                "PostgreSQL", flag: "--database CONNINFO", variable: Self.databaseVariable)
        }
    }

    /// The first flag that names a server; nil: none does.
    var flag: String? {
        [("--redis", redis), ("--database", database), ("--state-directory", stateDirectory)]
            .first { $0.1 != nil }?.0
    }

    /// The flag or variable that names a server; nil: none does.
    var origin: String? {
        if let flag { return flag }
        let variables = [
            Self.redisVariable, Self.databaseVariable, Self.stateDirectoryVariable,
        ]
        return variables.first { environment($0) != nil }
            .map { EffectiveSettings.current.variables[$0] == nil ? $0 : "--config" }
    }

    /// Whether Redis, or PostgreSQL, is the one of a state directory, which `run` starts.
    var usesEmbeddedRedis: Bool { place(flag: redis, variable: Self.redisVariable).isEmbedded }
    var usesEmbeddedDatabase: Bool {
        place(flag: database, variable: Self.databaseVariable).isEmbedded
    }

    /// The keys' names in Redis.
    var queueKeys: QueueKeys { QueueKeys(prefix: keyPrefix) }
}

extension ConnectionOptions {
    static let redisVariable = "TRUNKLINE_REDIS_URL"
    static let databaseVariable = "TRUNKLINE_DATABASE_URL"
    static let stateDirectoryVariable = "TRUNKLINE_STATE_DIRECTORY"

    private enum Place {
        /// `origin` names the flag, which it is given, or the variable.
        case server(String, origin: (String) -> String)
        case stateDirectory(String)
        case unknown

        var isEmbedded: Bool { if case .stateDirectory = self { true } else { false } }
    }

    private func place(flag: String?, variable: String) -> Place {
        if let flag { return .server(flag) { $0 } }
        if let stateDirectory { return .stateDirectory(absolute(stateDirectory)) }
        if let value = environment(variable) { return .server(value) { _ in variable } }
        if let value = environment(Self.stateDirectoryVariable) {
            return .stateDirectory(absolute(value))
        }
        return .unknown
    }

    private static func nothingGiven(
        _ server: String, flag: String, variable: String
    ) -> CommandFailure {
        .usage(
            """
            where is \(server)? Say it in one of three ways:
              \(flag)
              \(variable) in the environment
              --state-directory DIR, of a pool that runs with --embedded
            """)
    }
}

/// A variable of the environment; an empty one counts as not set.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

/// libpq takes a directory of sockets only when it starts with a slash.
func absolute(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return String(cString: current) + "/" + path
}
