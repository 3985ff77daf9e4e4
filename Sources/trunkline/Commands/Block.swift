internal import ArgumentParser

/// `trunkline block`
struct BlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block",
        abstract: "Sends nothing to a host, and drops what is for it.",
        discussion: """
            What waits for it is dropped within seconds, what comes later as it comes; it shows as \
            dropped in `trunkline activity`. To let it wait instead: `trunkline pause`.

              trunkline block spam.example --reason "defederated"
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var names: HostNames
    @OptionGroup var options: ControlOptions

    func validate() throws { try names.requireSome() }

    func run() throws {
        try options.impose("block", on: names.subjects(), connection: connection)
    }
}
