internal import ArgumentParser
internal import PostgresStore

/// `trunkline quarantine list`
struct QuarantineListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists what is set aside, the latest first.",
        discussion: """
            Activities stay until they are released, or are dropped with their day; rejected \
            intake entries are listed for a week. Times are UTC.

              trunkline quarantine list --json | jq -r '.quarantined[].activity'

            --json: {"quarantined": [{"activity", "number", "lane", "entry", "crashes", "stage", \
            "signal", "first_at", "last_at", "quarantined_at"}]}: of an activity "lane" and \
            "entry" are null, of an entry "activity" and "number".
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most that are shown.", valueName: "n"))
    var limit = 100

    @Flag(help: "Print everything as JSON.")
    var json = false

    func validate() throws {
        if !(1...100_000).contains(limit) { throw ValidationError("--limit takes 1 to 100000.") }
    }

    func run() throws {
        let database = try connection.connectToDatabase()
        let records = try asking { () throws(StoreFailure) in
            try database.quarantined(limit: limit)
        }
        if json {
            let list = JSON.array(records.map { .object($0.name + $0.circumstances) })
            return print(JSON.object([("quarantined", list)]).indented)
        }
        guard !records.isEmpty else { return print("nothing is set aside") }
        var table = TextTable(["SINCE", "CRASHES", "STAGE", "SIGNAL", "WHAT"])
        for record in records {
            table.add([
                record.quarantinedAt, String(record.count.crashes), record.count.stage,
                record.count.signal, record.title,
            ])
        }
        print(table.text)
    }
}
