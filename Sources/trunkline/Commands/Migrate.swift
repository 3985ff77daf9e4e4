internal import ArgumentParser
internal import PostgresStore

/// `trunkline migrate`
struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Makes the schema in PostgreSQL, or brings it up to date.",
        discussion: """
            Applies the migrations that are missing, each in a transaction of its own, and makes \
            the daily partitions of the days ahead. It may be run at any time and as often as \
            one likes; two at once take turns. The role needs the right to create in the \
            database.

              trunkline migrate --database 'host=/run/postgresql dbname=trunkline'

            The number of partitions is fixed when the schema is made. Work is spread over \
            workers by partition, so there can be no more workers than partitions.

            --json: {"from": 0, "to": 3, "applied": [{"number": 1, "name": "init"}], \
            "partitions": 64}
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Partitions of a new schema (default: \(Database.defaultPartitionCount)).",
            valueName: "n"))
    var partitions: Int?

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// More would only cost round trips: a worker asks about each of its partitions.
    private static let partitionRange = 1...4_096

    func validate() throws {
        if let partitions, !Self.partitionRange.contains(partitions) {
            throw ValidationError(
                "--partitions takes \(Self.partitionRange.lowerBound) to "
                    + "\(Self.partitionRange.upperBound).")
        }
    }

    func run() throws {
        let database = try openDatabase(connection.databaseConnectionString())
        let before = try asking { () throws(StoreFailure) in try database.schemaVersion() }
        if before > 0 { try checkPartitions(database) }
        let report = try migrate(database)
        print(json ? describe(report, from: before).indented : sentence(report, from: before))
    }

    private func checkPartitions(_ database: Database) throws {
        let rows = try asking { () throws(StoreFailure) in
            try database.query("select count(*) from trunkline.partition")
        }
        guard let partitions, let made = rows[0][0], made != String(partitions) else { return }
        throw CommandFailure.failed(
            "the schema has \(made) partitions, which is fixed since it was made: leave out "
                + "--partitions \(partitions)")
    }

    private func migrate(_ database: Database) throws -> MigrationReport {
        do {
            return try database.migrate(partitions: partitions ?? Database.defaultPartitionCount)
        } catch .newerSchema(let found, let known) {
            throw CommandFailure.failed(
                "the schema is at version \(found), newer than the \(known) that this program "
                    + "knows: use the newer trunkline that made it")
        } catch .store(let failure) {
            throw CommandFailure.failed("\(failure)")
        }
    }

    private func sentence(_ report: MigrationReport, from before: Int) -> String {
        let partitions = "\(report.partitionCount) partitions"
        guard !report.applied.isEmpty else {
            return "schema trunkline is at version \(report.schemaVersion), as this program wants "
                + "it: nothing to do; \(partitions)"
        }
        let applied = names(report).map { "\($0.number) \($0.name)" }.joined(separator: ", ")
        return "schema trunkline: \(before) -> \(report.schemaVersion) (applied \(applied)); "
            + partitions
    }

    private func describe(_ report: MigrationReport, from before: Int) -> JSON {
        .object([
            ("from", .integer(before)), ("to", .integer(report.schemaVersion)),
            (
                "applied",
                .array(
                    names(report).map {
                        .object([("number", .integer($0.number)), ("name", .string($0.name))])
                    })
            ),
            ("partitions", .integer(report.partitionCount)),
        ])
    }

    private func names(_ report: MigrationReport) -> [Migration] {
        Migration.all.filter { report.applied.contains($0.number) }
    }
}
