internal import ArgumentParser

/// `trunkline pause`
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Sends nothing to a host for a while; what is for it waits.",
        discussion: """
            What is in flight ends, no probe is sent, and nothing is lost: deliveries wait in Redis \
            and go when the pause ends. They still expire with the retry budget (3 days).

              trunkline pause remote.example --for 2h --reason "they asked for it"
              trunkline pause --all
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var selection: HostSelection
    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.impose("pause", on: selection.subjects, connection: connection)
    }
}
