internal import ArgumentParser
internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// `trunkline activity`
struct ActivityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activity",
        abstract: "Shows what became of an activity, inbox by inbox.",
        discussion: """
            The id is the one in the activity's own JSON, not that of its object. Deliveries that \
            wait say what for. Times are UTC.

              trunkline activity https://our.example/notes/1#create
              trunkline activity https://our.example/notes/1#create --json | jq .counts

            States: waiting, delivered, failed (given up), superseded (by a Delete), expired, \
            dropped (blocked, or its host is dead).

            --json: {"activity", "counts": {STATE: n}, "crashes": {"crashes", "stage", "signal", \
            "first_at", "last_at", "quarantined_at"}, "stored": [{"id", "type", "key_id", "audience", \
            "lane", "created_at", "expires_at", "parked_reason", "counts"}], "deliveries": [{"inbox", \
            "host", "state", "attempts", "last_status", "last_error", "updated_at", \
            "waiting_for"}]}: every key is always there, null where there is nothing. Of two \
            stored activities with one id the newest counts.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The id of the activity.", valueName: "id"))
    var id: String

    @Option(help: ArgumentHelp("Show only deliveries in this state.", valueName: "state"))
    var state: DeliveryState?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most inboxes that are listed; --json lists all.", valueName: "n"))
    var limit = 40

    @Flag(help: "Print everything as JSON.")
    var json = false

    enum DeliveryState: String, ExpressibleByArgument, CaseIterable {
        case waiting, delivered, failed, superseded, expired, dropped
    }

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit takes 0 or more.") }
    }

    func run() throws {
        let database = try connection.connectToDatabase()
        let found = try asking { () throws(StoreFailure) in
            try ActivityReport(id, in: database, aliveWorkers: aliveWorkers())
        }
        guard let report = found else { throw unknown(database) }
        print(json ? report.json.indented : text(report))
    }

    /// nil when Redis is not at hand: what is stored can be told without it.
    private func aliveWorkers() -> Int? {
        guard let client = try? connection.connectToRedis() else { return nil }
        return try? client.aliveWorkers().count
    }

    private func text(_ report: ActivityReport) -> String {
        var blocks = report.stored.map(Self.heading)
        let counts = ActivityReport.states.filter { report.count($0) > 0 }
            .map { "\(report.count($0)) \($0)" }
        let states = counts.isEmpty ? Self.nobody(report.stored[0]) : counts.joined(separator: ", ")
        blocks[0] += "\nstate    \(states)"
        if let crashes = report.crashes { blocks[0] += "\ncrashes  \(crashes.sentence.printable)" }
        let table = table(report)
        if !table.isEmpty { blocks.append(table) }
        let reasons = report.reasonCounts
        if !reasons.isEmpty {
            var why = TextTable(["WAITING", "BECAUSE"])
            for (reason, count) in reasons { why.add([String(count), reason]) }
            blocks.append(why.text)
        }
        return blocks.joined(separator: "\n\n")
    }

    /// Why nothing is to be sent.
    private static func nobody(_ record: ActivityRecord) -> String {
        guard let name = record.audienceName else {
            return "nobody to deliver to: all recipients are on our own host, or excluded"
        }
        return
            "nobody to deliver to: the audience \(name.printable) had no one elsewhere, or there "
            + "is none of this name"
    }

    private static func heading(_ record: ActivityRecord) -> String {
        """
        type     \(record.type.printable)
        key      \(record.keyID.printable)
        lane     \(record.lane.name)
        stored   \(record.createdAt) as number \(record.id.rawValue)
        expires  \(record.expiresAt ?? "-")
        """
    }

    /// What did not go well comes first: of thousands of lines the interesting ones are seen.
    private func table(_ report: ActivityReport) -> String {
        let order = ["failed", "waiting", "dropped", "expired", "superseded", "delivered"]
        let wanted = report.deliveries.filter { state == nil || $0.state == state?.rawValue }
        let sorted = order.flatMap { state in wanted.filter { $0.state == state } }
        guard !sorted.isEmpty, limit > 0 else { return "" }
        var table = TextTable(["STATE", "TRIES", "STATUS", "UPDATED", "INBOX", "LAST ERROR"])
        for delivery in sorted.prefix(limit) {
            table.add([
                delivery.state, String(delivery.attempts), delivery.lastStatus.map { "\($0)" },
                delivery.updatedAt, delivery.inbox, delivery.lastError,
            ])
        }
        let rest = sorted.count - limit
        return rest > 0 ? table.text + "\n... and \(rest) more (--limit, --state)" : table.text
    }

    /// Not stored under this id: it may be an object's, and Redis may know more.
    private func unknown(_ database: Database) -> CommandFailure {
        let sentence = "no activity with the id \(id.printable) is stored"
        let about = (try? database.activities(about: id)) ?? []
        guard about.isEmpty else {
            let list = about.map { "\n  \($0.activityID.printable) (\($0.type.printable))" }
            return .failed(
                "\(sentence), but what concerns an object of this id is; ask for one of these:"
                    + list.joined())
        }
        guard let client = try? connection.connectToRedis() else {
            return .failed("\(sentence), and Redis could not be asked for it")
        }
        let rejected = try? client.rejectedEntries(limit: 1_000).first { $0.mentions(id) }
        if let rejected {
            return .failed("\(sentence): it was rejected, since \(rejected.reason.printable)")
        }
        let waiting = (try? client.intakeLengths())?.reduce(0) { $0 + $1.length } ?? 0
        guard waiting > 0 else {
            return .failed(
                "\(sentence); nothing waits in the intake either, and none of the last rejected "
                    + "entries has it")
        }
        let workers = (try? client.aliveWorkers().count) ?? 0
        let paused = ((try? database.controlsInForce()) ?? []).filter { $0.lane != nil }
        return .failed(
            "\(sentence); it may be among the \(waiting) entries that still stand in the intake"
                + (workers == 0 ? ", and no worker runs: start one with `trunkline run`" : "")
                + paused.map { "; \($0.sentence.printable), \($0.resumption) ends it" }.joined())
    }
}
