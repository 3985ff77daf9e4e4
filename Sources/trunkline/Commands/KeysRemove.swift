internal import ArgumentParser
internal import PostgresStore
internal import RedisQueue

/// `trunkline keys remove`
struct KeysRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Deletes a private key for good.",
        discussion: """
            There is no copy: keep the PEM file if it may be needed again. Activities that are \
            still to be signed with it wait until a key of this name is added.

              trunkline keys remove --key-id https://our.example/users/a#main-key
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var name: KeyIDOption

    func run() throws {
        let database = try connection.connectToDatabase()
        let redis = try connection.connectToRedis()
        // Not checked: what is stored may be removed, whatever it is called.
        let keyID = name.keyID
        let removed = try asking { () throws(StoreFailure) in
            try database.transaction { () throws(StoreFailure) in
                guard try database.removeKey(keyID) else { return false }
                try database.audit("key removed", subject: keyID)
                return true
            }
        }
        guard removed else { throw noKey(keyID.printable) }
        try redis.tellWorkers("key removed: \(keyID)")
        print("removed \(keyID)")
    }
}
