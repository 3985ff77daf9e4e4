internal import ArgumentParser
internal import Dispatch
internal import Simulation
internal import Synchronization

/// `trunkline simulate`
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs the delivery core in a simulated world full of faults, and checks it.",
        discussion: """
            The machine is the real one; clock, network, Redis and PostgreSQL are simulated from a \
            seed, so a run with one seed is one run. Rules are checked all the time. A broken one \
            is printed with what led to it and the command that runs it again; then the exit code \
            is 1.

              trunkline simulate --list
              trunkline simulate --scenario dead-host --seed 7
              trunkline simulate --scenario all --seeds 1-1000
              trunkline simulate --scenario move --full
              trunkline simulate --scenario our-blackout.txt

            A file changes a scenario, one line each, `name value`: base (a scenario's name, \
            first), workers, partitions, slots, window, duration, settle (seconds), work (percent \
            of its deliveries), kill, roll, freeze, redis-away, postgres-away, lease-lost, \
            clock-jump (mean seconds between two), failures, slow, duplicates (percent).
            """)

    @Option(help: ArgumentHelp("A scenario, a file, or `all`.", valueName: "name|file"))
    var scenario = "all"

    @Option(parsing: .unconditional, help: "The seed of one run.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Many runs, one for each seed.", valueName: "first-last"))
    var seeds: String?

    @Flag(help: "As large as the fediverse has it, instead of a size for many seeds.")
    var full = false

    @Flag(help: "Name the scenarios and the rules.")
    var list = false

    func validate() throws {
        if seeds != nil, range == nil {
            throw ValidationError("--seeds takes two numbers, the lower first: 1-1000")
        }
    }

    func run() throws {
        if list { return printList() }
        var broken = 0
        for scenario in try chosen() { broken += run(scenario) }
        if broken > 0 { throw ExitCode(CommandFailure.failedCode) }
    }

    private var range: ClosedRange<UInt64>? {
        guard let seeds else { return seed...seed }
        let parts = seeds.split(separator: "-", maxSplits: 1).map { UInt64($0) }
        guard parts.count == 2, let first = parts[0], let last = parts[1], first <= last else {
            return nil
        }
        return first...last
    }

    private func chosen() throws -> [Scenario] {
        let scale: Scale = full ? .full : .small
        if scenario == "all" { return Scenarios.all.map { $0.make(scale) } }
        if let known = Scenarios.named(scenario, scale) { return [known] }
        guard scenario.contains(where: { $0 == "/" || $0 == "." }) else {
            throw CommandFailure.usage(
                "there is no scenario \(scenario); `trunkline simulate --list` names them")
        }
        let bytes = try FileInput.bytes(of: scenario, limit: 65_536)
        let text = String(decoding: bytes, as: UTF8.self)
        switch Scenario.parse(text, name: scenario, scale) {
        case .success(let parsed): return [parsed]
        case .failure(let mistake):
            throw CommandFailure.usage("\(scenario), line \(mistake.line): \(mistake.message)")
        }
    }

    /// One thread a processor; each seed is a world of its own.
    private func run(_ scenario: Scenario) -> Int {
        guard let range else { return 0 }
        let reports = Mutex<[Report]>([])
        let begin = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: range.count) { place in
            var simulation = Simulation(scenario, seed: range.lowerBound + UInt64(place))
            var report = simulation.run()
            report.isFull = full
            reports.withLock { $0.append(report) }
        }
        let all = reports.withLock { $0 }.sorted { $0.seed < $1.seed }
        let broken = all.filter { $0.violation != nil }
        for report in broken { print(report.text) }
        let milliseconds = (ContinuousClock.now - begin) / .milliseconds(1)
        if range.count == 1, let only = all.first, broken.isEmpty { print(only.text) }
        let events = all.reduce(0) { $0 + $1.events }
        print(
            "\(scenario.name): \(all.count - broken.count) of \(all.count) seeds hold, "
                + "\(events) events in \(Int(milliseconds)) ms")
        return broken.count
    }

    private func printList() {
        for (name, make) in Scenarios.all {
            let pad = String(repeating: " ", count: max(18 - name.count, 1))
            print("\(name)\(pad)\(make(.small).summary)")
        }
        print("\nrules: " + Checkers.all.map { $0.name }.joined(separator: ", "))
    }
}
