internal import Bench
internal import PostgresStore
internal import RedisQueue

/// Workers with a Redis and a PostgreSQL of their own, started for one run.
///
/// They end with ``stop()``. A benchmark that is killed with SIGKILL leaves them behind.
struct BenchPool {
    /// A pool drains what it has in hand, 90 s at most; then its servers end, 40 s at most.
    private static let grace: Duration = .seconds(150)

    let site: BenchSite
    private let child: BenchChild

    /// - Parameter flags: further ones of `run`.
    init(
        workers: Int, flags: [String], for sink: BenchSink, in directory: BenchDirectory,
        _ interruption: Interruption
    ) throws {
        let state = directory.file("pool")
        child = try BenchChild(
            "run",
            [
                "--embedded", "--state-directory", state, "--workers", String(workers),
                "--admin", "127.0.0.1:0", "--instance-domain", LoadNames.alone.domain,
                "--ca-file", sink.authority, "--allow-address", "127.0.0.0/8",
            ] + flags, in: directory)
        let line: String
        do {
            let said = "admin server listens"
            line = try child.wait(interruption) { $0.contains(said) ? $0 : nil }
            _ = try child.wait(interruption) { $0 == "ready" ? $0 : nil }
        } catch {
            // Killed, it would leave its servers behind.
            child.stop(grace: Self.grace)
            throw error
        }
        site = BenchSite(
            services: .embedded, redis: RedisEndpoint(place: .unix(path: "\(state)/redis.sock")),
            keys: QueueKeys(), database: "host='\(state)' dbname=trunkline", workers: workers,
            partitions: Database.defaultPartitionCount,
            meters: .pool(
                process: child.processID,
                metrics: PlainHTTP(port: line.port(after: "port=") ?? 0)))
    }

    func checkRunning() throws(CommandFailure) { try child.checkRunning() }

    func stop() { child.stop(grace: Self.grace) }
}
