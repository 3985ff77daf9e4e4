internal import ArgumentParser

/// `trunkline limit`
struct LimitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit",
        abstract: "Sends at most so many requests a second to a host.",
        discussion: """
            The worker learns by itself what a host bears; this is for one that says so elsewhere. \
            The limit counts as long as it stands, beside what is learned.

              trunkline limit remote.example --per-second 5
              trunkline limit remote.example --per-second 0.1 --for 1d
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var selection: HostSelection
    @OptionGroup var options: ControlOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Requests a second, to each host on its own.", valueName: "n"))
    var perSecond: Double

    func validate() throws {
        guard (0.001...100_000).contains(perSecond) else {
            throw ValidationError(
                "--per-second takes 0.001 to 100000; to send nothing: `trunkline pause`.")
        }
    }

    func run() throws {
        try options.impose(
            "limit", on: selection.subjects, perSecond: perSecond, connection: connection)
    }
}
