internal import ArgumentParser
internal import HTTPSignatures
internal import PostgresStore
internal import SigningKeys

/// `trunkline keys public`
struct KeysPublicCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "public",
        abstract: "Prints the public half of a key, as its actor document must publish it.",
        discussion: """
            When other servers answer 401, compare it with publicKeyPem of the actor document.

              trunkline keys public --key-id https://our.example/users/a#main-key
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var name: KeyIDOption

    func run() throws {
        let keyID = try name.checked()
        let database = try connection.connectToDatabase()
        let rows = try asking { () throws(StoreFailure) in
            try database.query(
                "select pem from trunkline.signing_key where key_id = $1", [keyID.text])
        }
        guard let pem = rows.first?[0] else { throw noKey(keyID.text) }
        do {
            let bytes = try PrivateKey(pem: Array(pem.utf8)).publicPEM()
            print(String(decoding: bytes, as: UTF8.self), terminator: "")
        } catch {
            throw CommandFailure.failed("the stored key \(keyID) can't be used: \(error)")
        }
    }
}

func noKey(_ keyID: String) -> CommandFailure {
    .failed("there is no key \(keyID); `trunkline keys list` shows those that are")
}
