internal import ArgumentParser

/// `trunkline quarantine ...`
struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Lists and releases what made workers crash.",
        discussion: """
            What three workers had in hand when they crashed by a fault of their own is set aside, \
            so that it costs nobody else. Of an activity nothing more is sent: what it still owed \
            has failed, with the reason `quarantined`. An intake entry that had not become an \
            activity yet is rejected; `trunkline rejected` shows it.

              trunkline quarantine
              trunkline quarantine release https://our.example/notes/1#create
            """,
        subcommands: [QuarantineListCommand.self, QuarantineReleaseCommand.self],
        defaultSubcommand: QuarantineListCommand.self)
}
