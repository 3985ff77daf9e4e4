internal import AdminServer
internal import ArgumentParser
internal import DeliveryCore
internal import Glibc
internal import Logging
internal import PostgresStore
internal import RedisQueue
internal import Supervision

/// `trunkline run`: the supervisor and its workers.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a pool of workers until SIGTERM.",
        discussion: """
            With --embedded it brings its own Redis and PostgreSQL along, private servers on Unix \
            sockets in the state directory, starts one again that dies, and stops them at its end:

              trunkline run --embedded --state-directory state \\
                --instance-domain our.example

            Without, it needs both, and a schema that `trunkline migrate` has made:

              trunkline run --redis redis://127.0.0.1:6379/0 --database dbname=trunkline \\
                --instance-domain our.example --workers 4

            Options may stand in a file instead, and --print-config says what came of it:

              trunkline run --config /etc/trunkline.conf --print-config

            It says `ready` on standard error when every worker delivers. SIGTERM drains: what is \
            in flight is finished and recorded, no other delivery is begun, and the exit code is \
            0. A drain may take twice --request-timeout and 30 s, and never less than 60 s; what \
            is still under way then is killed, and sent again by others.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var pool: PoolOptions
    @OptionGroup var log: LogOptions

    @Flag(help: "Start a private Redis and PostgreSQL in the state directory.")
    var embedded = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Worker processes (default: one per core). Each is one thread.", valueName: "count"))
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            """
            Where /healthz, /readyz and /metrics are served, or off. \
            (default: \(AdminAddress.standard))
            """,
            valueName: "host:port"),
        transform: AdminAddress.init(words:))
    var admin = AdminAddress.standard

    @Flag(
        help:
            "Print what is in force and where it was said, without passwords, and what `run` refuses."
    )
    var printConfig = false

    func validate() throws {
        if embedded, connection.stateDirectory == nil,
            environment(ConnectionOptions.stateDirectoryVariable) == nil
        {
            throw ValidationError("--embedded needs --state-directory DIR, where the data goes.")
        }
        if embedded, connection.redis != nil || connection.database != nil {
            throw ValidationError(
                "--embedded brings its own servers: leave out --redis and --database.")
        }
        if let workers, workers < 1 {
            throw ValidationError("--workers takes a number from 1 up.")
        }
    }

    func run() async throws {
        if printConfig {
            print(EffectiveSettings.current.table(of: self))
            return try check()
        }
        try log.bootstrap()
        DescriptorLimit.raise()
        try check()
        let logger = Logger(label: "supervisor")
        // Caught from here on: a SIGTERM during the start must stop the embedded servers too.
        let stop = StopSignals()
        let services =
            try embedded
            ? EmbeddedServices(
                in: stateDirectory, keyPrefix: connection.keyPrefix, log: logger) : nil
        defer { services?.stop() }
        let connection = try services?.connection ?? resolvedConnection()
        if embedded { try migrate(connection) }
        let partitions = try partitionCount(connection)
        try checkWorkers(partitions: partitions)
        try check(connection, logger)

        let supervisor = try PoolSupervisor(
            connection: connection,
            arguments: workerArguments(partitions: partitions, signingWith: library(logger)),
            workers: workerCount, partitions: partitions,
            requestTimeout: .seconds(pool.requestTimeout), log: logger)
        let format = try log.format()
        await supervisor.run(admin: admin, until: stop, format: format)
    }

    /// Refuses what cannot work, as far as no server has to be asked.
    private func check() throws {
        _ = try log.format()
        _ = try pool.domain()
        try pool.checkAuthorities()
        try pool.checkKeyDirectory()
        if !embedded { _ = try resolvedConnection() }
    }

    var workerCount: Int { workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    private var stateDirectory: String {
        connection.stateDirectory ?? environment(ConnectionOptions.stateDirectoryVariable) ?? ""
    }

    private func resolvedConnection() throws -> PoolConnection {
        PoolConnection(
            redis: try connection.redisEndpoint(), redisURL: try connection.redisURL(),
            database: try connection.databaseConnectionString(), keys: connection.queueKeys)
    }

    private func migrate(_ connection: PoolConnection) throws {
        let database = try openDatabase(connection.database)
        do {
            _ = try database.migrate(partitions: Database.defaultPartitionCount)
        } catch {
            throw CommandFailure.failed("the embedded database cannot be migrated: \(error)")
        }
    }

    private func partitionCount(_ connection: PoolConnection) throws -> Int {
        let database = try openDatabase(connection.database)
        let version = try asking { () throws(StoreFailure) in try database.schemaVersion() }
        if version == 0 { throw noSchema(in: database) }
        guard version == Migration.newest else {
            throw CommandFailure.failed(
                "the schema `trunkline` is at version \(version), this program at "
                    + "\(Migration.newest): run `trunkline migrate`")
        }
        do {
            try database.checkAudience(relation: pool.audienceRelation)
        } catch {
            throw CommandFailure.failed(
                "audiences cannot be read: \(error.sentence); correct --audience-relation")
        }
        let rows = try asking { () throws(StoreFailure) in
            try database.query("select count(*) from trunkline.partition")
        }
        return rows.first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0
    }

    /// Each worker owns partitions, and none is owned twice.
    private func checkWorkers(partitions: Int) throws(CommandFailure) {
        guard workerCount > partitions else { return }
        throw .usage(
            "\(workerCount) workers are more than the \(partitions) partitions that they share: take "
                + "--workers \(partitions) or fewer")
    }

    /// Refuses a Redis that would throw deliveries away.
    private func check(_ connection: PoolConnection, _ logger: Logger) throws {
        let facts: ServerFacts
        do {
            let client = try RedisClient(endpoint: connection.redis, keys: connection.keys)
            facts = try client.facts()
        } catch {
            throw CommandFailure.failed("Redis at \(connection.redis): \(error.sentence)")
        }
        guard facts.maxMemoryPolicy == "noeviction" else {
            throw CommandFailure.failed(
                """
                Redis evicts keys when its memory is full (maxmemory-policy \
                \(facts.maxMemoryPolicy)), and with them deliveries: set it with \
                `redis-cli CONFIG SET maxmemory-policy noeviction`, and in redis.conf
                """)
        }
        if !facts.appendOnly {
            logger.warning(
                """
                Redis keeps no append-only file: what was enqueued and not yet expanded is lost \
                when it stops; set `appendonly yes`
                """)
        }
    }

    /// Said once for all workers.
    private func library(_ logger: Logger) -> SigningLibrary {
        let finding = pool.cryptoMb.tried()
        logger.log(level: finding.isRefused ? .warning : .info, "\(finding.message)")
        return finding.library
    }

    private func workerArguments(
        partitions: Int, signingWith library: SigningLibrary
    ) throws -> [String] {
        try pool.workerArguments(signingWith: library, workers: workerCount) + [
            "--key-prefix", connection.keyPrefix, "--partitions", String(partitions),
            "--log-format", try log.format().rawValue, "--log-level", log.logLevel.level.rawValue,
        ]
    }
}

/// Where the admin server listens.
enum AdminAddress: CustomStringConvertible, Sendable {
    case off
    case listen(host: String, port: Int)

    static let standard = AdminAddress.listen(host: "127.0.0.1", port: 9_464)

    /// - Throws: what an option's error says behind the value.
    init(words: String) throws(ValidationError) {
        if words == "off" {
            self = .off
            return
        }
        let wanted = ValidationError("give HOST:PORT, as \(Self.standard), or off.")
        guard let colon = words.lastIndex(of: ":"),
            let port = UInt16(words[words.index(after: colon)...])
        else { throw wanted }
        var host = String(words[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { throw wanted }
        self = .listen(host: host, port: Int(port))
    }

    var description: String {
        switch self {
        case .off: "off"
        case .listen(let host, let port): "\(host):\(port)"
        }
    }
}
