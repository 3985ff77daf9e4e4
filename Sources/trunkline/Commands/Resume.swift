internal import ArgumentParser
internal import PostgresStore
internal import RedisQueue

/// `trunkline resume`
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Ends what `pause`, `block` and `limit` have begun for a host.",
        discussion: """
            Deliveries that waited go now. --all ends what was begun with --all: a host that was \
            named is resumed by its name.

              trunkline resume remote.example
              trunkline resume --all
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var selection: HostSelection

    func run() throws {
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        let subjects = selection.subjects
        let ended = try asking { () throws(StoreFailure) in
            try database.transaction { () throws(StoreFailure) in
                var ended: [Control] = []
                for subject in subjects { ended += try database.lift(from: subject) }
                return ended
            }
        }
        guard !ended.isEmpty else {
            throw CommandFailure.failed(
                "nothing is in force for \(title(of: subjects).printable): `trunkline host NAME` shows what is"
            )
        }
        try redis.tellWorkers("resumed: \(title(of: subjects))")
        for control in ended { print("ended: \(control.sentence.printable)") }
    }
}
