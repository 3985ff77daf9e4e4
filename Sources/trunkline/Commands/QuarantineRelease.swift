internal import ArgumentParser
internal import PostgresStore
internal import RedisQueue

/// `trunkline quarantine release`
struct QuarantineReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Sends an activity that was set aside.",
        discussion: """
            Do so once what made the workers crash is mended; else three more crash, and it is set \
            aside again. What had ended before is not sent again.

              trunkline quarantine release https://our.example/notes/1#create
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The id of the activity.", valueName: "id"))
    var id: String

    func run() throws {
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        let released = try asking { () throws(StoreFailure) in
            try database.transaction { () throws(StoreFailure) in
                guard let count = try database.release(id) else { return nil as Int? }
                try database.audit("released from quarantine", subject: id)
                return count
            }
        }
        guard let released else {
            throw CommandFailure.failed(
                "no activity with the id \(id.printable) is set aside: `trunkline quarantine` "
                    + "lists what is")
        }
        try redis.tellWorkers("released from quarantine: \(id)")
        print(
            "released: \(released) \(released == 1 ? "delivery" : "deliveries") that had failed "
                + "for it \(released == 1 ? "is" : "are") owed again")
    }
}
