import ArgumentParser
import Dispatch
import Glibc
import Simulation
import Synchronization

/// `deploy/seeds`: every scenario with every checker, seed after seed.
@main
struct Seeds: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seeds",
        abstract: "Runs all scenarios of the simulation, a seed on each processor.",
        discussion: """
            A broken rule is printed with what led to it and the command that runs it again; then \
            the exit code is 1.
            """)

    @Argument(help: ArgumentHelp("The seeds.", valueName: "first-last"))
    var seeds = "1-10000"

    @Option(help: "Begin none after so many seconds.")
    var seconds: Int?

    func validate() throws {
        guard range != nil else {
            throw ValidationError("the seeds are two numbers, the lower first: 1-10000")
        }
    }

    private var range: ClosedRange<UInt64>? {
        let parts = seeds.split(separator: "-", maxSplits: 1).map { UInt64($0) }
        guard parts.count == 2, let first = parts[0], let last = parts[1], first <= last else {
            return nil
        }
        return first...last
    }

    private struct Tally {
        var seeds = 0
        var events = 0
        var broken = 0
    }

    func run() throws {
        guard let range else { return }
        let scenarios = Scenarios.all.map { $0.make(.small) }
        let begin = ContinuousClock.now
        let end = seconds.map { begin + .seconds($0) }
        let tally = Mutex(Tally())
        DispatchQueue.concurrentPerform(iterations: range.count) { place in
            if let end, ContinuousClock.now >= end { return }
            for scenario in scenarios {
                var simulation = Simulation(scenario, seed: range.lowerBound + UInt64(place))
                let report = simulation.run()
                tally.withLock {
                    $0.events += report.events
                    guard report.violation != nil else { return }
                    $0.broken += 1
                    print(report.text)
                    // Into a pipe, too: it is not lost with what comes after it.
                    fflush(nil)
                }
            }
            tally.withLock { $0.seeds += 1 }
        }
        let sum = tally.withLock { $0 }
        let seconds = Int((ContinuousClock.now - begin) / .seconds(1))
        print(
            "\(sum.seeds) seeds of \(scenarios.count) scenarios in \(seconds) s, \(sum.events) "
                + "events: \(sum.broken == 0 ? "all rules hold" : "\(sum.broken) runs are broken")")
        if sum.broken > 0 { throw ExitCode.failure }
    }
}
