internal import ArgumentParser

/// `trunkline pause`
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Sends nothing to a host, of a lane, or for a sender, for a while.",
        discussion: """
            What is in flight ends, and nothing is lost. Attempts are not used up; what expires, \
            and the age up to which deliveries are tried, run on.

            A host: what is for it waits in Redis and goes when the pause ends. No probe is sent.

            A lane: workers do not read its intake, so entries stay in their stream in Redis. What \
            they had taken from there is put off, and comes back up to 15 minutes after the pause \
            ends, in its order.

            A sender, by the keyId of its activities: these are stored as they come, and routed in \
            their order when the pause ends. What was routed before is put off as for a lane.

              trunkline pause remote.example --for 2h --reason "they asked for it"
              trunkline pause --all
              trunkline pause --lane bulk --reason "the disk is nearly full"
              trunkline pause --sender https://our.example/users/a#main-key

            `trunkline controls` lists what is in force, `trunkline resume` ends it.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var selection: PauseSelection
    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.impose("pause", on: selection.subjects, connection: connection)
    }
}
