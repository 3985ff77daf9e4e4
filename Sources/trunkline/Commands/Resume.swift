internal import ArgumentParser
internal import PostgresStore
internal import RedisQueue

/// `trunkline resume`
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Ends what `pause`, `block` and `limit` have begun.",
        discussion: """
            Deliveries that waited for a host go now; a lane is read at once, and a sender's \
            activities are routed. What was put off meanwhile comes back within 15 minutes. --all \
            ends what was begun with --all: a host that was named is resumed by its name.

              trunkline resume remote.example
              trunkline resume --all
              trunkline resume --lane bulk
              trunkline resume --sender https://our.example/users/a#main-key
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var selection: PauseSelection

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
                "nothing is in force for \(title(of: subjects).printable): `trunkline controls` lists "
                    + "what is"
            )
        }
        try redis.tellWorkers("resumed: \(title(of: subjects))")
        for control in ended { print("ended: \(control.sentence.printable)") }
    }
}
