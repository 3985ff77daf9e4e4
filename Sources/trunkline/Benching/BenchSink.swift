internal import Bench

/// The pretend fediverse of a run, on loopback: it takes the load and verifies every delivery.
struct BenchSink {
    let control: PlainHTTP
    let httpsPort: Int
    /// What workers must trust: a file.
    let authority: String
    private let child: BenchChild

    /// - Parameters:
    ///   - state: the directory of its certificates, which are made when missing.
    ///   - port: for https; 0: any that is free.
    init(
        rules: [UInt8], state: String, port: Int, in directory: BenchDirectory,
        _ interruption: Interruption
    ) throws {
        let file = directory.file("rules.json")
        try BenchFiles.write(rules, to: file)
        child = try BenchChild(
            "sink",
            [
                "--state-directory", state, "--https-port", String(port),
                "--actors", directory.actors, "--rules", file,
            ], in: directory)
        let line: String
        do {
            line = try child.wait(interruption) { $0.hasPrefix("ready ") ? $0 : nil }
        } catch let failure as CommandFailure {
            throw CommandFailure.failed(Self.translated(failure.description))
        }
        httpsPort = line.port(after: "https=") ?? 0
        control = PlainHTTP(port: line.port(after: "http=") ?? 0)
        authority = "\(state)/ca.pem"
    }

    var processID: Int32 { child.processID }

    /// Nil when it says something else than it should.
    func account() throws -> SinkAccount? {
        SinkAccount(report: try control.get("/.sink/report"))
    }

    /// Forgets what came so far.
    func reset() throws { try control.post("/.sink/reset") }

    /// Answers 202 without delay from here on, whatever the scenario says.
    func acceptEverything() throws { try control.put("/.sink/rules", #"{"rules":[]}"#) }

    func checkRunning() throws(CommandFailure) { try child.checkRunning() }

    func stop() { child.stop(grace: .seconds(10)) }

    /// What `trunkline sink` advises, for who has given the flags of `trunkline bench`.
    private static func translated(_ advice: String) -> String {
        advice.replacing("--https-port", with: "--sink-port")
            .replacing("--state-directory", with: "--sink-state")
    }
}
