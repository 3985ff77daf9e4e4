internal import ArgumentParser
internal import Glibc

/// The program: one binary, one file per command in `Commands/`.
@main
struct Trunkline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trunkline",
        abstract: "Delivers ActivityPub activities: one signed POST to every remote inbox.",
        discussion: """
            A main server puts activities into Redis; the workers deliver them; PostgreSQL says \
            what became of each. To try it, with a private Redis and PostgreSQL in ./state:

              trunkline run --embedded --state-directory state \\
                --instance-domain our.example &
              export TRUNKLINE_STATE_DIRECTORY=$PWD/state
              trunkline keys add --generate rsa \\
                --key-id https://our.example/users/a#main-key
              trunkline enqueue --activity note.json --to inboxes.json \\
                --key https://our.example/users/a#main-key
              trunkline activity https://our.example/notes/1

            When something is wrong, `trunkline doctor` says what, and the mend. Every command \
            explains itself with --help. Exit codes: 0 done, 1 failed, 2 usage.
            """,
        version: TrunklineVersion.current,
        groupedSubcommands: [
            CommandGroup(name: "Work", subcommands: [RunCommand.self, MigrateCommand.self]),
            CommandGroup(
                name: "Look",
                subcommands: [
                    ActivityCommand.self, HostCommand.self, HostsCommand.self,
                    ControlsCommand.self, RejectedCommand.self, DoctorCommand.self,
                ]),
            CommandGroup(name: "Act", subcommands: [EnqueueCommand.self, KeysCommand.self]),
            CommandGroup(
                name: "Steer",
                subcommands: [
                    PauseCommand.self, BlockCommand.self, LimitCommand.self, ResumeCommand.self,
                    ProbeCommand.self, RebuildCommand.self, QuarantineCommand.self,
                ]),
            CommandGroup(
                name: "Test",
                subcommands: [BenchCommand.self, SimulateCommand.self, SinkCommand.self]),
            CommandGroup(name: "Internal", subcommands: [WorkerCommand.self]),
        ])

    /// Instead of ArgumentParser's own `main`, for the sake of the exit codes.
    static func main() async {
        do {
            let settings = try EffectiveSettings(
                Array(CommandLine.arguments.dropFirst()), environment: environment)
            settings.export()
            try await EffectiveSettings.$current.withValue(settings) {
                var command = try parseAsRoot(settings.arguments)
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            }
        } catch {
            leave(after: error)
        }
    }

    /// Says what went wrong, or the help that was asked for, and ends the process.
    private static func leave(after error: any Error) -> Never {
        if let failure = error as? CommandFailure {
            note(failure.description)
            Glibc.exit(failure.exitCode)
        }
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code.isSuccess {
            print(message)
        } else if !message.isEmpty {
            writeToStandardError(message + "\n")
        }
        // ArgumentParser's own code for a usage error is 64 (sysexits.h).
        Glibc.exit(code == .validationFailure ? CommandFailure.usageCode : code.rawValue)
    }
}
