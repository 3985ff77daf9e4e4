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

            Where Redis or PostgreSQL is named, by a flag, in the environment or by --config, it \
            measures the workers that run there, and starts nothing but the sink. They must be on \
            this machine, trust the sink and be allowed to reach it. Keys and followers that it \
            adds are removed again; the record of what was delivered stays. The first run makes \
            the sink's authority, sink/ca.pem. What --ca-file names takes the place of the system's \
            authorities: workers that also deliver to real hosts need a file with both.

              cat /etc/ssl/certs/ca-certificates.crt sink/ca.pem > trusted.pem
              trunkline run --config /etc/trunkline.conf \\
                --ca-file trusted.pem --allow-address 127.0.0.0/8
              trunkline bench --scenario benchmarks/Scenarios/small.json \\
                --config /etc/trunkline.conf --sink-state sink \\
                --metrics http://127.0.0.1:9464/metrics

            The keys of a scenario are explained in benchmarks/README.md.
            """)

    @Option(
        help: ArgumentHelp("What to run, as those in benchmarks/Scenarios.", valueName: "file"))
    var scenario: String?

    @OptionGroup var installation: InstallationOptions

    @Flag(help: "Start a Redis, a PostgreSQL and workers, whatever the environment names.")
    var embedded = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Worker processes to start. (default: 1)", valueName: "count"))
    var workers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Instead of the scenario's.", valueName: "seed"))
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Most exchanges under way per worker to start. (default: 1000)", valueName: "count"))
    var slots: Int?

    @Option(
        help: ArgumentHelp(
            "What signs in workers to start, as with `run`. (default: auto)",
            valueName: "auto|off|file"))
    var cryptoMb: SigningLibrary?

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
        if let workers, !(1...Self.mostWorkers).contains(workers) {
            throw ValidationError("--workers takes a number from 1 to \(Self.mostWorkers).")
        }
        if let slots, slots < 1 { throw ValidationError("--slots takes a number from 1 up.") }
        if scenario != nil { try checkServices() }
    }

    /// What goes with workers of its own, and what with those of others.
    private func checkServices() throws {
        if embedded, let flag = installation.connection.flag {
            throw ValidationError("--embedded brings its own servers: leave out \(flag).")
        }
        guard let origin = usedInstallation else {
            guard let flag = installation.given.first else { return }
            throw ValidationError(
                "\(flag) goes with an installation that runs: name its servers, as with --redis and "
                    + "--database, or leave it out.")
        }
        let flags = [
            ("--workers", workers != nil), ("--slots", slots != nil),
            ("--crypto-mb", cryptoMb != nil),
        ]
        if let flag = flags.first(where: \.1)?.0 {
            throw ValidationError(
                "\(flag) is for workers that bench starts, and \(origin) names an installation that "
                    + "has its own: leave it out, or give --embedded.")
        }
    }

    /// What names the one to measure; nil: services of its own are.
    private var usedInstallation: String? { embedded ? nil : installation.connection.origin }

    func run() async throws {
        guard let scenario else { return try printComparison() }
        DescriptorLimit.raise()
        if usedInstallation != nil { try installation.check() }
        let bytes = try FileInput.bytes(of: scenario, limit: Self.fileLimit)
        let interruption = Interruption()
        let stop = StopSignals()
        let watch = Task {
            while !Task.isCancelled {
                await stop.wait()
                interruption.set()
            }
        }
        defer { watch.cancel() }
        let run = BenchRun(
            scenario: try Self.reading { () throws(ScenarioMistake) in
                try Scenario(json: bytes, file: scenario, seed: seed)
            },
            services: services, interruption: interruption)
        let result = try await Self.onThread { try run.run() }
        print(result.text)
        if let jsonFile { try BenchFiles.write(try result.json, to: jsonFile) }
        if let htmlFile { try BenchFiles.write(Array(ResultPage(result).html.utf8), to: htmlFile) }
        if !result.holds { throw ExitCode(CommandFailure.failedCode) }
    }

    private var services: BenchServices.Choice {
        guard usedInstallation == nil else { return .installation(installation) }
        var flags: [String] = []
        if let slots { flags += ["--slots", String(slots)] }
        if let cryptoMb { flags += ["--crypto-mb", cryptoMb.argument] }
        return .own(workers: workers ?? 1, flags: flags)
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
