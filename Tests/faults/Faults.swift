import ArgumentParser
import FaultHarness
import Glibc

/// `deploy/faults`: one fault after the other, and the table.
@main
struct Faults: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Tries what happens when something fails, with real servers and under load.",
        discussion: """
            Exits with 0 when every row of its table has passed, 1 when one has failed, 3 when none \
            has and some could not be tried here.
            """)

    @Argument(help: ArgumentHelp("Rows to try; without any, the usual ones.", valueName: "row"))
    var names: [String] = []

    @Flag(help: "Seconds instead of minutes: what the tests do.")
    var short = false

    @Option(parsing: .unconditional, help: "How often a worker is killed, in 20 minutes at most.")
    var kills = 1_000

    @Flag(help: "Say which rows there are.")
    var list = false

    func validate() throws {
        for name in names where !Fault.all.contains(where: { $0.name == name }) {
            throw ValidationError("there is no row \(name): see --list")
        }
    }

    func run() throws {
        if list {
            for fault in Fault.all {
                print("\(fault.name): \(fault.what)\(fault.needsRoot ? " (needs root)" : "")")
            }
            return
        }
        Interruption.listen()
        let chosen = names.isEmpty ? Fault.standard : Fault.all.filter { names.contains($0.name) }
        var rows: [FaultRow] = []
        for fault in chosen where (try? Interruption.check()) != nil {
            print("\(fault.what) ...", terminator: " ")
            // A pipe is not a terminal: who waits wants to see it now.
            fflush(nil)
            let start = ContinuousClock.now
            rows.append(Trial.run(fault, short ? .short : .long(kills: kills)))
            print("\(Int((ContinuousClock.now - start) / .seconds(1))) s")
        }
        let table = FaultTable(rows)
        print("\n\(table.text)")
        throw ExitCode(table.exitCode(of: chosen.count))
    }
}
