internal import Bench
internal import Glibc
internal import RedisQueue
internal import Supervision

/// A sink, and a pool with a Redis and a PostgreSQL of its own that delivers to it: children of
/// this process in a directory of their own, on loopback only.
///
/// They end with ``stop()``. A benchmark that is killed with SIGKILL leaves them behind.
final class BenchServers {
    /// From the start of one until it is ready: `initdb` on a busy machine takes a while.
    private static let patience: Duration = .seconds(180)
    /// A pool drains what it has in hand, 90 s at most; then its servers end, 40 s at most.
    private static let grace: Duration = .seconds(150)

    let directory: String
    private(set) var sink: ChildProcess?
    private(set) var pool: ChildProcess?
    private(set) var sinkControl = LocalHTTP(port: 0)
    private(set) var httpsPort = 0
    private(set) var admin = LocalHTTP(port: 0)
    private let interruption: Interruption

    init(interruption: Interruption) throws(CommandFailure) {
        self.interruption = interruption
        let place = environment("TMPDIR") ?? "/tmp"
        // As mkdtemp(3) wants it: six letters X to be replaced.
        let letters = String(repeating: "X", count: 6)
        var template = Array("\(place)/trunkline-bench.\(letters)".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .failed(
                "no directory can be made in \(place): \(String(cString: strerror(errno)))")
        }
        directory = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Root's PostgreSQL runs as another user, who must get through.
        chmod(directory, 0o711)
        for name in ["actors", "sink"] { mkdir(file(name), 0o700) }
    }

    func file(_ name: String) -> String { "\(directory)/\(name)" }
    var stateDirectory: String { file("pool") }
    var redis: RedisEndpoint { RedisEndpoint(place: .unix(path: "\(stateDirectory)/redis.sock")) }
    var database: String { "host='\(stateDirectory)' dbname=trunkline" }

    func startSink(rules: [UInt8]) throws {
        try BenchFiles.write(rules, to: file("rules.json"))
        let child = try start(
            "sink",
            [
                "--state-directory", file("sink"), "--actors", file("actors"),
                "--rules", file("rules.json"),
            ])
        sink = child
        let line = try waitForLine(of: child, log: "sink") { $0.hasPrefix("ready ") ? $0 : nil }
        let ports = line.split(separator: " ").dropFirst()
        func port(_ name: String) -> Int {
            ports.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) } ?? 0
        }
        httpsPort = port("https=")
        sinkControl = LocalHTTP(port: port("http="))
    }

    func startPool(workers: Int, flags: [String]) throws {
        let child = try start(
            "run",
            [
                "--embedded", "--state-directory", stateDirectory, "--workers", String(workers),
                "--admin", "127.0.0.1:0", "--instance-domain", World.domain,
                "--ca-file", file("sink/ca.pem"), "--allow-address", "127.0.0.0/8",
            ] + flags)
        pool = child
        let said = "admin server listens"
        let line = try waitForLine(of: child, log: "run") { $0.contains(said) ? $0 : nil }
        let port = line.split(separator: " ").first { $0.hasPrefix("port=") }
        admin = LocalHTTP(port: port.flatMap { Int($0.dropFirst("port=".count)) } ?? 0)
        _ = try waitForLine(of: child, log: "run") { $0 == "ready" ? $0 : nil }
    }

    /// - Throws: when one of them has ended, with what it said last.
    func checkRunning() throws(CommandFailure) {
        for (name, child) in [("sink", sink), ("run", pool)] {
            guard let child, !child.isRunning else { continue }
            throw ended(name, child)
        }
    }

    /// The pool before the sink: what is in flight gets its answer.
    func stop() {
        pool?.terminate(grace: Self.grace)
        sink?.terminate(grace: .seconds(10))
        BenchFiles.remove(directory)
    }

    private func start(_ command: String, _ flags: [String]) throws -> ChildProcess {
        try interruption.check()
        return try ChildProcess(
            Command(
                path: "/proc/self/exe", name: "trunkline", arguments: [command] + flags,
                environment: BenchFiles.environment,
                output: .appended(to: file("\(command).log"))))
    }

    private func waitForLine(
        of child: ChildProcess, log: String, _ match: (String) -> String?
    ) throws -> String {
        var found: String?
        let isThere = try interruption.wait(atMost: Self.patience) {
            found = lines(of: log).lazy.compactMap(match).first
            if found == nil, !child.isRunning { throw ended(log, child) }
            return found != nil
        }
        guard isThere, let found else {
            throw CommandFailure.failed(
                "trunkline \(log) did not get ready:\n\(lines(of: log).suffix(12).joined(separator: "\n"))"
            )
        }
        return found
    }

    private func ended(_ name: String, _ child: ChildProcess) -> CommandFailure {
        let last = lines(of: name).suffix(12).joined(separator: "\n")
        return .failed("trunkline \(name) \(child.wait()):\n\(last)")
    }

    private func lines(of log: String) -> [String] {
        guard let bytes = try? FileInput.bytes(of: file("\(log).log"), limit: 1 << 26) else {
            return []
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
