/// Why PostgreSQL, or libpq before it, takes no connection although nothing is away: somebody has to
/// mend something.
///
/// libpq gives no code for a connection that fails, so its words are looked at (manual 34.1; those
/// of the server are in its `lc_messages`: in another language `other` is as much as can be told).
package enum ConnectionRefusal: Equatable, Sendable {
    case wrongString, unknownHost, noRole, noDatabase, noPassword, wrongPassword, notAllowed, full
    case noDescriptors, other

    /// nil: the server is away, starting or stopping.
    package init?(_ reason: String) {
        func has(_ words: String...) -> Bool { words.allSatisfy { reason.contains($0) } }
        switch true {
        case has("Too many open files"): self = .noDescriptors
        case has("could not translate host name"): self = .unknownHost
        case has("role ", "does not exist"): self = .noRole
        case has("database ", "does not exist"): self = .noDatabase
        case has("no password supplied"): self = .noPassword
        case has("authentication failed"): self = .wrongPassword
        case has("no pg_hba.conf entry"): self = .notAllowed
        case has("too many clients"), has("connection slots are reserved"),
            has("too many connections"):
            self = .full
        case has("FATAL:"):
            if Self.passing.contains(where: { reason.contains($0) }) { return nil }
            self = .other
        case Self.parsing.contains(where: { reason.contains($0) }): self = .wrongString
        default: return nil
        }
    }

    private static let passing = [
        "starting up", "shutting down", "recovery mode", "not yet accepting connections",
        "terminating connection", "hot standby",
    ]

    /// What libpq says of a connection string, before it looks for a server.
    private static let parsing = [
        "missing \"=\"", "connection info string", "invalid connection option", " in URI",
        "invalid URI", "invalid integer value", "invalid port number", "invalid percent-encoded",
        "invalid sslmode value", "definition of service",
    ]

    var words: String {
        switch self {
        case .wrongString: "the connection string of PostgreSQL is wrong"
        case .unknownHost: "PostgreSQL's host is not found"
        case .full: "PostgreSQL takes no more connections"
        case .noDescriptors: "no connection to PostgreSQL can be opened"
        case .noRole, .noDatabase, .noPassword, .wrongPassword, .notAllowed, .other:
            "PostgreSQL refuses the connection"
        }
    }

    /// What to do; nil where its own words have to do.
    package var mend: String? {
        switch self {
        case .wrongString: "write a libpq string: 'host=/run/postgresql dbname=trunkline'"
        case .unknownHost: "correct `host` in --database"
        case .noRole: "make the role (`createuser`), or correct `user` in --database"
        case .noDatabase: "make it with `createdb`, or correct `dbname` in --database"
        case .noPassword: "give a password: in TRUNKLINE_DATABASE_URL, or in ~/.pgpass"
        case .wrongPassword: "correct user and password, see also pg_hba.conf"
        case .notAllowed: "allow this user and address in pg_hba.conf"
        case .full: "raise max_connections, or put a pooler between"
        case .noDescriptors: "let processes open more files: LimitNOFILE= of systemd, `ulimit -n`"
        case .other: nil
        }
    }
}
