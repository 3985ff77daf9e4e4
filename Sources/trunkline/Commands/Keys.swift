internal import ArgumentParser

/// `trunkline keys ...`
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Adds, lists and removes the keys that deliveries are signed with.",
        discussion: """
            Keys are kept in PostgreSQL by keyId, the publicKey.id of the actor document. An \
            activity whose key is missing is kept, and delivered once the key is there.

              trunkline keys add \\
                --key-id https://our.example/users/a#main-key --pem key.pem
              trunkline keys list
            """,
        subcommands: [
            KeysAddCommand.self, KeysListCommand.self, KeysPublicCommand.self,
            KeysRemoveCommand.self,
        ])
}

/// `--key-id`, checked as a worker would.
struct KeyIDOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The key's name: publicKey.id of the actor document, an https URL.", valueName: "url"))
    var keyID: String
}
