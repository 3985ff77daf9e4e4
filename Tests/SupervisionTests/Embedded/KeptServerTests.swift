import Glibc
import Logging
import Supervision
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct KeptServerTests {
    let scratch = Scratch()
    private let lines = Lines()

    private var log: Logger { Logger(label: "test") { [lines] _ in LineCollector(lines: lines) } }

    private func askRedis(_ words: String...) throws -> String {
        try scratch.run(
            "/usr/bin/redis-cli", ["-s", scratch.file("redis.sock")] + words, as: nil)
    }

    @Test func `a Redis that is killed is started again where it was, and told of`() async throws {
        let redis = try EmbeddedRedis(directory: scratch.path)
        let process = redis.process
        let kept = KeptServer(redis, log: log)
        defer { kept.stop() }
        #expect(try askRedis("set", "k", "v") == "OK")
        try #require(process).send(signal: SIGKILL)
        while lines.all.count < 2 { await Task.yield() }
        let file = scratch.file("redis.log")
        #expect(
            lines.all == [
                "error: the embedded Redis was killed by signal 9 (Killed) and is started again "
                    + file,
                "notice: the embedded Redis is back",
            ])
        #expect(try askRedis("get", "k") == "v")
    }

    @Test func `a PostgreSQL whose first process is killed is started again`() async throws {
        let postgres = try EmbeddedPostgres(
            directory: scratch.path, settings: EmbeddedPostgresTests.fast)
        let place = postgres.connectionString
        let process = postgres.process
        let kept = KeptServer(postgres, log: log)
        defer { kept.stop() }
        try scratch.run("/usr/bin/psql", "-Xqc", "create table t as select 7 as n", place)
        try #require(process).send(signal: SIGKILL)
        while lines.all.count < 2 { await Task.yield() }
        #expect(lines.all.last == "notice: the embedded PostgreSQL is back")
        #expect(try scratch.run("/usr/bin/psql", "-XAtqc", "select n from t", place) == "7")
    }

    @Test func `one that cannot be started is tried again until it can`() async throws {
        let redis = try EmbeddedRedis(directory: scratch.path)
        let process = redis.process
        let kept = KeptServer(redis, log: log)
        defer { kept.stop() }
        // A directory in the place of its socket, which it has open already.
        unlink(scratch.file("redis.sock"))
        try #require(mkdir(scratch.file("redis.sock"), 0o700) == 0)
        try #require(process).send(signal: SIGKILL)
        while lines.all.count < 2 { await Task.yield() }
        #expect(
            lines.all[1].hasPrefix(
                "error: the embedded Redis is still away: redis did not start: it exited with"))
        try #require(rmdir(scratch.file("redis.sock")) == 0)
        while lines.all.last != "notice: the embedded Redis is back" { await Task.yield() }
        #expect(try askRedis("ping") == "PONG")
    }

    @Test func `the pause grows while it dies at once, and a healthy life ends that`() {
        var pauses = RestartPause()
        let given = (0..<8).map { _ in pauses.next(after: .seconds(5)) }
        let expected: [Duration] = [0, 1, 2, 4, 8, 16, 30, 30].map { .seconds($0) }
        #expect(given == expected)
        #expect(pauses.next(after: RestartPause.healthyAge) == .zero)
        #expect(pauses.next(after: .zero) == .seconds(1))
    }
}

/// What was logged, from any thread, with the file that it names.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct LineCollector: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let file = event.metadata?["log"].map { " \($0)" } ?? ""
        lines.add("\(event.level): \(event.message)\(file)")
    }
}
