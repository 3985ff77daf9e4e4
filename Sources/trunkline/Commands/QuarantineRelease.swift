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
              trunkline quarantine release --all
            """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The id of the activity.", valueName: "id"))
    var id: String?

    @Flag(help: "Release all activities that are set aside.")
    var all = false

    func validate() throws {
        if (id == nil) != all { throw ValidationError("Give the id of an activity, or --all.") }
    }

    func run() throws {
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        guard let id else {
            let records = try asking { () throws(StoreFailure) in
                try database.quarantined(limit: Int(Int32.max))
            }
            let ids = Set(records.compactMap(\.activityID)).sorted()
            for id in ids { try release(id, database, redis) }
            return print("released: \(ids.count) \(ids.count == 1 ? "activity" : "activities")")
        }
        let released = try release(id, database, redis)
        print(
            "released: \(released) \(released == 1 ? "delivery" : "deliveries") that had failed "
                + "for it \(released == 1 ? "is" : "are") owed again")
    }

    @discardableResult
    private func release(
        _ id: String, _ database: Database, _ redis: borrowing RedisClient
    ) throws -> Int {
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
        return released
    }
}
