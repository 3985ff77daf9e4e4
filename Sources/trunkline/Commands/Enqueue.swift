internal import ArgumentParser
internal import DeliveryCore
internal import RedisQueue

/// `trunkline enqueue`
struct EnqueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue",
        abstract: "Puts one activity into the queue, as a main server does.",
        discussion: """
            Checks it as a worker would, so that a mistake shows at once, then does one XADD and \
            prints the id of the entry. Where PostgreSQL is named too, a key that it lacks and an \
            audience without a row are warned of. The activity is sent byte for byte as the file holds it.

              trunkline enqueue --activity note.json --to inboxes.json \\
                --key https://our.example/users/a#main-key
              echo '["https://remote.example/inbox"]' | trunkline enqueue --activity note.json \\
                --key https://our.example/users/a#main-key --to - --lane urgent

            --to is a JSON array of inbox URLs, or of objects {"inbox", "sharedInbox", "direct"}. \
            Once it runs, `trunkline activity` with the id in the activity shows what became of it.

            --json: {"id": "1732157107123-0", "lane": "normal", "activity": "https://...", \
            "recipients": 2}; "recipients" is null for an audience.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(
        help: ArgumentHelp("The activity, a JSON file; - is standard input.", valueName: "file"))
    var activity: String

    @Option(help: ArgumentHelp("The keyId to sign with (publicKey.id).", valueName: "url"))
    var key: String

    @Option(help: ArgumentHelp("Recipients, a JSON file; - is standard input.", valueName: "file"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            "In place of --to: the name of an audience that PostgreSQL holds.", valueName: "name"))
    var audience: String?

    @Option(
        help: ArgumentHelp(
            "Where the workers look for audiences, to see whether this one has a row.",
            valueName: "schema.relation"))
    var audienceRelation = PoolOptions.standardAudienceRelation

    @Option(help: ArgumentHelp("urgent, normal or bulk.", valueName: "lane"))
    var lane = IntakeLane.normal

    @Option(
        help: ArgumentHelp(
            "Idempotency key: a second entry with the same one is not delivered again.",
            valueName: "text"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Ordering key: deliveries of one sender with the same one do not overtake each other.",
            valueName: "text"))
    var object: String?

    @Option(
        help: ArgumentHelp(
            "Not worth sending after this: seconds since 1970, or from now, as in 90s, 30m, 6h, 2d.",
            valueName: "time"),
        transform: ExpiryTime.init(words:))
    var expires: ExpiryTime?

    @Option(
        help: ArgumentHelp(
            "Inbox URLs that get nothing, a JSON array in a file; - is standard input.",
            valueName: "file"))
    var exclude: String?

    @Option(
        help: ArgumentHelp(
            "Followers collection whose digest goes along (FEP-8fcf).", valueName: "url"))
    var sync: String?

    @Option(
        help: ArgumentHelp(
            "Content type, if not application/activity+json.", valueName: "type"))
    var contentType: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if (to == nil) == (audience == nil) {
            throw ValidationError(
                "For whom? Give either --to FILE (recipients) or --audience NAME.")
        }
        if [activity, to, exclude].count(where: { $0 == "-" }) > 1 {
            throw ValidationError(
                "Standard input can be one of --activity, --to and --exclude only.")
        }
    }

    func run() throws {
        let endpoint = try connection.redisEndpoint()
        let entry = try OutgoingEntry(reading: self)
        for warning in entry.warnings { note(warning) }
        let client = try connection.connectToRedis()
        let streamID: StreamID
        do {
            streamID = try client.enqueue(lane.lane, fields: entry.fields)
        } catch {
            throw CommandFailure.failed("Redis at \(endpoint) took nothing: \(error.sentence)")
        }
        defer { warn(about: entry.job) }
        guard json else { return print(streamID) }
        print(
            JSON.object([
                ("id", .string("\(streamID)")), ("lane", .string(lane.lane.name)),
                ("activity", .string(entry.job.activityID)),
                ("recipients", .optional(entry.recipientCount)),
            ]).indented)
    }

    /// Afterwards: a PostgreSQL that is away delays nothing.
    private func warn(about job: Job) {
        guard let place = try? connection.databaseConnectionString(),
            let database = try? openDatabase(place)
        else { return }
        let check = RecordCheck(database: database, audienceRelation: audienceRelation)
        for warning in check.warnings(about: job) { note(warning) }
    }
}

/// A lane that producers may use.
struct IntakeLane: ExpressibleByArgument {
    let lane: Lane

    static let normal = IntakeLane(lane: .normal)

    init(lane: Lane) { self.lane = lane }

    init?(argument: String) {
        guard let lane = Lane(name: argument), Lane.intake.contains(lane) else { return nil }
        self.lane = lane
    }

    static var allValueStrings: [String] { Lane.intake.map(\.name) }

    var defaultValueDescription: String { lane.name }
}
