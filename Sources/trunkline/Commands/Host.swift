internal import ArgumentParser
internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// `trunkline host`
struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Shows how one remote host stands: its state, what it is owed, recent attempts.",
        discussion: """
            Takes a name, with its port if that is not 443, or any URL there. State: closed (takes \
            deliveries), open (failing: one probe at a time is sent), dead (failing for a week: \
            given up). Times are UTC.

              trunkline host remote.example
              trunkline host https://remote.example/inbox --json

            --json: {"host", "state", "partition", "window", "failing_since", "suspended_until", \
            "next_probe_at", "last_error", "last_success_at", "updated_at", "owed", "held", "controls": [{"kind", \
            "host", "lane", "key_id", "reason", "actor", "since", "until", "per_second"}], "attempts": [{"activity", \
            "inbox", "at", "class", "status", "duration_ms", "detail"}]}: every key is always \
            there, null where there is nothing; "held" (waiting for it in Redis) is null when \
            Redis is not at hand.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The host, or a URL there.", valueName: "host"))
    var host: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most attempts that are listed.", valueName: "n"))
    var limit = 20

    @Flag(help: "Print everything as JSON.")
    var json = false

    func validate() throws {
        if !(0...10_000).contains(limit) { throw ValidationError("--limit takes 0 to 10000.") }
        if authority(of: host) == nil { throw noHost(host) }
    }

    func run() throws {
        let name = authority(of: host) ?? host.lowercased()
        let database = try connection.connectToDatabase()
        let (found, controls) = try asking { () throws(StoreFailure) in
            (try database.hostRecord(name, attemptLimit: limit), try database.controlsInForce())
        }
        guard let record = found else {
            let similar = (try? database.hostsNamed(name)) ?? []
            throw CommandFailure.failed(
                "nothing is known of the host \(name.printable): no delivery to it was ever stored"
                    + (similar.isEmpty ? "" : "; known is \(similar.joined(separator: ", "))"))
        }
        let applying = controls.filter { $0.host == nil || $0.host == record.name }
        let held = held(for: record)
        print(
            json
                ? describe(record, held, applying).indented : text(record, held, applying))
    }

    private func held(for record: HostRecord) -> Int? {
        guard let client = try? connection.connectToRedis() else { return nil }
        let list = client.keys.held(record.partition, record.id)
        return (try? client.command(["LLEN", list]).integer).map { Int($0) }
    }

    private func text(_ record: HostRecord, _ held: Int?, _ controls: [Control]) -> String {
        var text = """
            host          \(record.name)
            state         \(record.state)\(record.failingSince.map { ", failing since \($0)" } ?? "")
            next probe    \(record.probeDue ?? "-")
            last error    \(record.lastError?.printable ?? "-")
            last answer   \(record.lastSuccessAt.map { "\($0) (below 500; noted once an hour)" } ?? "-")
            suspended     \(record.suspendedUntil.map { "until \($0)" } ?? "-")
            owed          \(record.owed) deliveries\(held.map { ", \($0) of them held back" } ?? "")
            partition     \(record.partition.rawValue)
            """
        for control in controls { text += "\ncontrol       \(control.sentence.printable)" }
        guard !record.attempts.isEmpty else { return text }
        var table = TextTable(["AT", "CLASS", "STATUS", "MS", "ACTIVITY", "INBOX", "DETAIL"])
        for attempt in record.attempts {
            table.add([
                attempt.at, attempt.reason, attempt.status.map { "\($0)" },
                String(attempt.durationMilliseconds), attempt.activityID, attempt.inbox,
                attempt.detail,
            ])
        }
        return text + "\n\n" + table.text
    }

    private func describe(_ record: HostRecord, _ held: Int?, _ controls: [Control]) -> JSON {
        .object([
            ("host", .string(record.name)), ("state", .string(record.state)),
            ("partition", .integer(record.partition.rawValue)),
            ("window", record.concurrencyWindow.map { .number($0) } ?? .null),
            ("failing_since", .optional(record.failingSince)),
            ("suspended_until", .optional(record.suspendedUntil)),
            ("next_probe_at", .optional(record.probeDue)),
            ("last_error", .optional(record.lastError)),
            ("last_success_at", .optional(record.lastSuccessAt)),
            ("updated_at", .string(record.updatedAt)), ("owed", .integer(record.owed)),
            ("held", .optional(held)), ("controls", .array(controls.map(\.json))),
            ("attempts", .array(record.attempts.map(Self.describe))),
        ])
    }

    private static func describe(_ attempt: AttemptRecord) -> JSON {
        .object([
            ("activity", .optional(attempt.activityID)), ("inbox", .string(attempt.inbox)),
            ("at", .string(attempt.at)), ("class", .string(attempt.reason)),
            ("status", .optional(attempt.status)),
            ("duration_ms", .integer(attempt.durationMilliseconds)),
            ("detail", .string(attempt.detail)),
        ])
    }
}
