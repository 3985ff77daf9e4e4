internal import ArgumentParser
internal import PostgresStore

/// `trunkline keys list`
struct KeysListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the keys, without their private parts.",
        discussion: """
            Times are UTC. `WAITING` counts the activities that wait for a key which is not there.

              trunkline keys list --database 'dbname=trunkline'

            --json: {"keys": [{"key_id", "algorithm", "created_at", "retired_at"}], \
            "missing": [{"key_id", "waiting", "since"}]}
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    private struct Missing {
        var keyID: String
        var waiting: Int
        var since: String
    }

    func run() throws {
        let database = try connection.connectToDatabase()
        let keys = try asking { () throws(StoreFailure) in try database.listKeys() }
        let missing = try missing(in: database)
        if json { return print(describe(keys, missing).indented) }
        if keys.isEmpty && missing.isEmpty {
            return print(
                "no keys yet: add one with `trunkline keys add` (--pem FILE, or --generate rsa)")
        }
        if !keys.isEmpty {
            var table = TextTable(["KEY", "ALGORITHM", "CREATED", "RETIRED"])
            for key in keys {
                table.add([key.keyID, key.algorithm, key.createdAt, key.retiredAt])
            }
            print(table.text)
        }
        if !missing.isEmpty {
            var table = TextTable(["MISSING KEY", "WAITING", "SINCE"])
            for key in missing { table.add([key.keyID, String(key.waiting), key.since]) }
            print((keys.isEmpty ? "" : "\n") + table.text)
        }
    }

    private func missing(in database: Database) throws -> [Missing] {
        try asking { () throws(StoreFailure) in
            try database.query(
                """
                select key_id, count(*), \(utc("min(since)"))
                from trunkline.parked group by key_id order by key_id
                """)
        }.map { row in
            Missing(
                keyID: row[0] ?? "", waiting: Int(row[1] ?? "") ?? 0, since: row[2] ?? "")
        }
    }

    private func describe(_ keys: [KeyRecord], _ missing: [Missing]) -> JSON {
        .object([
            (
                "keys",
                .array(
                    keys.map {
                        .object([
                            ("key_id", .string($0.keyID)), ("algorithm", .string($0.algorithm)),
                            ("created_at", .string($0.createdAt)),
                            ("retired_at", .optional($0.retiredAt)),
                        ])
                    })
            ),
            (
                "missing",
                .array(
                    missing.map {
                        .object([
                            ("key_id", .string($0.keyID)), ("waiting", .integer($0.waiting)),
                            ("since", .string($0.since)),
                        ])
                    })
            ),
        ])
    }
}
