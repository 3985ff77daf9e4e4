internal import ArgumentParser
internal import PostgresStore

/// `trunkline controls`
struct ControlsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controls",
        abstract: "Lists what is paused, blocked or limited: by whom, since when, and why.",
        discussion: """
            What `pause`, `block` and `limit` have begun, and nothing has ended yet. Times are UTC.

              trunkline controls
              trunkline controls --json | jq '.controls[] | select(.lane)'

            --json: {"controls": [{"kind", "host", "lane", "key_id", "reason", "actor", "since", \
            "until", "per_second"}]}: null in host, lane and key_id is all of them.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print everything as JSON.")
    var json = false

    func run() throws {
        let database = try connection.connectToDatabase()
        let controls = try asking { () throws(StoreFailure) in try database.controlsInForce() }
        if json {
            return print(JSON.object([("controls", .array(controls.map(\.json)))]).indented)
        }
        guard !controls.isEmpty else { return print("nothing is paused, blocked or limited") }
        for control in controls {
            print("\(control.sentence.printable); \(control.resumption.printable) ends it")
        }
    }
}
