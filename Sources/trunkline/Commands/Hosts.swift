internal import ArgumentParser
internal import PostgresStore

/// `trunkline hosts`
struct HostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts",
        abstract: "Lists remote hosts, those that changed last first.",
        discussion: """
            State: closed (takes deliveries), open (failing: one probe at a time is sent), dead \
            (failing for a week: given up). Times are UTC.

              trunkline hosts --state open
              trunkline hosts --limit 1000 --json | jq -r '.hosts[].host'

            --json: {"hosts": [{"host", "state", "failing_since", "suspended_until", \
            "next_probe_at", "last_error", "last_success_at", "updated_at"}]}
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("Only hosts in this state.", valueName: "state"))
    var state: HostState?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most hosts that are listed.", valueName: "n"))
    var limit = 100

    @Flag(help: "Print everything as JSON.")
    var json = false

    enum HostState: String, ExpressibleByArgument, CaseIterable {
        case closed, open, dead
    }

    func validate() throws {
        guard (1...Int(Int32.max)).contains(limit) else {
            throw ValidationError("--limit takes 1 or more.")
        }
    }

    func run() throws {
        let database = try connection.connectToDatabase()
        let hosts = try asking { () throws(StoreFailure) in
            try database.hostSummaries(state: state?.rawValue, limit: limit)
        }
        if json { return print(JSON.object([("hosts", .array(hosts.map(\.json)))]).indented) }
        guard !hosts.isEmpty else {
            return print(state.map { "no host is \($0.rawValue)" } ?? "no hosts are known yet")
        }
        var table = TextTable([
            "HOST", "STATE", "FAILING SINCE", "NEXT PROBE", "LAST ANSWER", "LAST ERROR",
        ])
        for host in hosts {
            table.add([
                host.name, host.state, host.failingSince, host.probeDue, host.lastSuccessAt,
                host.lastError,
            ])
        }
        print(table.text)
        if hosts.count == limit { print("... there may be more (--limit, --state)") }
    }
}
