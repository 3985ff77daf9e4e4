internal import Glibc
internal import PostgresStore
internal import RedisQueue

extension ConnectionOptions {
    /// - Throws: ``CommandFailure`` that says where it was looked for.
    func connectToRedis() throws -> RedisClient {
        let endpoint = try redisEndpoint()
        do {
            return try RedisClient(endpoint: endpoint, keys: queueKeys)
        } catch {
            throw CommandFailure.failed(
                "Redis at \(endpoint): \(error.sentence); `trunkline doctor` tells more")
        }
    }

    /// - Throws: ``CommandFailure`` in libpq's words, which name the server and no password.
    func connectToDatabase() throws -> Database {
        let database = try openDatabase(databaseConnectionString())
        let version: Int
        do {
            version = try database.schemaVersion()
        } catch {
            throw CommandFailure.failed(error.sentence)
        }
        guard version > 0 else {
            throw noSchema(in: database)
        }
        guard version == Migration.newest else {
            throw CommandFailure.failed(
                version < Migration.newest
                    ? "the schema is at version \(version), this program at \(Migration.newest): "
                        + "bring it up to date with `trunkline migrate`"
                    : "the schema is at version \(version), newer than the \(Migration.newest) "
                        + "that this program knows: use a newer trunkline")
        }
        return database
    }
}

/// Names the database: it may be the wrong one.
func noSchema(in database: Database) -> CommandFailure {
    let name = (try? database.query("select current_database()"))?.first?[0] ?? ""
    return .failed(
        "the database \(name.printable) has no schema `trunkline` yet: make it with `trunkline "
            + "migrate`, or correct `dbname` if it is the wrong one")
}

/// Connects without a look at the schema. A server that does not answer is given up after 5 s,
/// unless the connection string or `PGCONNECT_TIMEOUT` says otherwise.
func openDatabase(_ connectionString: String) throws(CommandFailure) -> Database {
    do {
        return try connect(to: connectionString)
    } catch {
        let mend = error.connectionRefusal.map(\.mend) ?? "`trunkline doctor` tells more"
        throw .failed([error.sentence, mend].compactMap { $0 }.joined(separator: "; "))
    }
}

/// The same for who has words of its own for what goes wrong.
func connect(to connectionString: String) throws(StoreFailure) -> Database {
    setenv("PGCONNECT_TIMEOUT", "5", 0)
    return try Database(connectionString: connectionString)
}

/// Runs what asks PostgreSQL, and turns its refusals into sentences.
func asking<Value>(_ body: () throws(StoreFailure) -> Value) throws(CommandFailure) -> Value {
    do {
        return try body()
    } catch {
        throw .failed(error.sentence)
    }
}

extension StoreFailure {
    /// On one line: libpq breaks its own.
    var sentence: String {
        description.split(whereSeparator: \.isNewline)
            .map { $0.drop { $0 == "\t" || $0 == " " } }.joined(separator: "; ")
    }
}

extension RedisFailure {
    /// In words, for an operator.
    var sentence: String {
        switch self {
        case .disconnected(let reason): reason
        case .fenced: "another worker has the partition"
        case .outOfMemory: "its memory is full (maxmemory): it takes nothing that adds"
        case .refused(let reply): "it refused: \(reply)"
        case .malformed(let what): "it answered something unexpected: \(what)"
        }
    }
}
