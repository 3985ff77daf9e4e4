import PostgresStore
import Testing

/// What libpq says of a connection that fails: somebody's mistake, or a server that is away.
@Suite struct ConnectionRefusalTests {
    private static let prefix = "connection to server at \"127.0.0.1\", port 5432 failed: "

    @Test(arguments: [
        ("FATAL:  sorry, too many clients already", ConnectionRefusal.full),
        ("FATAL:  remaining connection slots are reserved for superusers", .full),
        ("FATAL:  password authentication failed for user \"t\"", .wrongPassword),
        ("fe_sendauth: no password supplied", .noPassword),
        ("FATAL:  no pg_hba.conf entry for host \"::1\"", .notAllowed),
        ("FATAL:  database \"nosuch\" does not exist", .noDatabase),
        ("FATAL:  role \"nosuch\" does not exist", .noRole),
        ("FATAL:  Datenbank »nosuch« existiert nicht", .other),
        ("FATAL:  the database system is starting up", nil),
        ("FATAL:  the database system is not yet accepting connections", nil),
        ("Connection refused\n\tIs the server running on that host?", nil),
        ("timeout expired", nil),
    ])
    func `words of a server tell which`(words: String, refusal: ConnectionRefusal?) {
        #expect(ConnectionRefusal(Self.prefix + words) == refusal)
        #expect("\(StoreFailure.away(words))".hasPrefix("PostgreSQL is away: ") == (refusal == nil))
    }

    @Test(arguments: [
        ("missing \"=\" after \"x\" in connection info string", ConnectionRefusal.wrongString),
        ("invalid integer value \"x\" for connection option \"port\"", .wrongString),
        ("invalid port number: \"70000\"", .wrongString),
        ("invalid message format", nil),
        ("definition of service \"x\" not found", .wrongString),
        ("could not create socket: Too many open files", .noDescriptors),
        ("could not translate host name \"x\" to address: Name or service not known", .unknownHost),
        ("the server has not answered for 30 s", nil), ("no reason given", nil),
        ("FATAL:  terminating connection due to administrator command", nil),
        ("server closed the connection unexpectedly", nil),
    ])
    func `so do those of libpq itself`(words: String, refusal: ConnectionRefusal?) {
        #expect(ConnectionRefusal(words) == refusal)
    }
}
