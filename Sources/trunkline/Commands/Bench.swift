internal import ArgumentParser
internal import Bench
internal import Dispatch

/// `trunkline bench`
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures a pool under a load that is the same for everybody.",
        discussion: """
            It starts a Redis, a PostgreSQL, workers and a sink of its own, on loopback only, \
            enqueues what the scenario says at the times that the seed says, has the sink verify \
            every delivery, and removes everything again. Latencies count from the intended \
            times, so that a pool that holds up the load does not hide it. The exit code is 1 \
            when a delivery is missing, came twice or was not signed well.

              trunkline bench --scenario benchmarks/Scenarios/fediverse.json \\
                --workers 2 --json new.json --html new.html
              trunkline bench --compare old.json new.json

            The keys of a scenario are explained in benchmarks/README.md.
            """)

    @Option(
        help: ArgumentHelp("What to run, as those in benchmarks/Scenarios.", valueName: "file"))
    var scenario: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Worker processes.", valueName: "count"))
    var workers = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Instead of the scenario's.", valueName: "seed"))
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Most exchanges under way per worker.", valueName: "count"))
    var slots = 1_000

    @Option(help: ArgumentHelp("What signs, as with `run`.", valueName: "auto|off|file"))
    var cryptoMb = SigningLibrary.automatic

    @Option(
        name: .customLong("json"),
        help: ArgumentHelp("Write every figure there.", valueName: "file"))
    var jsonFile: String?

    @Option(
        name: .customLong("html"),
        help: ArgumentHelp("Write a report with plots there.", valueName: "file"))
    var htmlFile: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Two files of --json, side by side.", valueName: "file"))
    var compare: [String] = []

    func validate() throws {
        if scenario == nil, compare.isEmpty {
            throw ValidationError("Give --scenario FILE, or --compare FILE FILE.")
        }
        if !compare.isEmpty {
            guard compare.count == 2, scenario == nil else {
                throw ValidationError("--compare takes two files, and no --scenario beside it.")
            }
        }
        guard (1...Self.mostWorkers).contains(workers) else {
            throw ValidationError("--workers takes a number from 1 to \(Self.mostWorkers).")
        }
        guard slots > 0 else { throw ValidationError("--slots takes a number from 1 up.") }
    }

    func run() async throws {
        guard let scenario else { return try printComparison() }
        DescriptorLimit.raise()
        let bytes = try FileInput.bytes(of: scenario, limit: Self.fileLimit)
        let interruption = Interruption()
        let stop = StopSignals()
        let watch = Task {
            await stop.wait()
            interruption.set()
        }
        defer { watch.cancel() }
        let run = BenchRun(
            scenario: try Self.reading { () throws(ScenarioMistake) in
                try Scenario(json: bytes, file: scenario, seed: seed)
            },
            workers: workers,
            flags: ["--slots", String(slots), "--crypto-mb", cryptoMb.argument],
            interruption: interruption)
        let result = try await Self.onThread { try run.run() }
        print(result.text)
        if let jsonFile { try BenchFiles.write(try result.json, to: jsonFile) }
        if let htmlFile { try BenchFiles.write(Array(ResultPage(result).html.utf8), to: htmlFile) }
        if !result.holds { throw ExitCode(CommandFailure.failedCode) }
    }

    private func printComparison() throws {
        let results = try compare.map { file in
            let bytes = try FileInput.bytes(of: file, limit: Self.fileLimit)
            return try Self.reading { () throws(ScenarioMistake) in
                try BenchResult.read(bytes, file: file)
            }
        }
        print(Comparison(results[0], results[1]).text)
    }

    /// What cannot be read was given wrongly.
    private static func reading<Value>(
        _ read: () throws(ScenarioMistake) -> Value
    ) throws(CommandFailure) -> Value {
        do {
            return try read()
        } catch {
            throw .usage(error.description)
        }
    }

    /// A run waits for servers and clocks: not on a thread that tasks share.
    private static func onThread<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "bench").async {
                continuation.resume(with: Result(catching: work))
            }
        }
    }

    /// As many as there are partitions in a new schema.
    private static let mostWorkers = 64
    /// A day's samples are a quarter of that.
    private static let fileLimit = 256 << 20
}
