import AdminServer
import DeliveryCore
import Logging
import Scoreboard
import Synchronization
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(5))) struct AdminServerTests {
    static let now = Instant(nanoseconds: 1_000_000_000_000)

    private func worker(
        _ state: WorkerState = .ready, silent: Duration = .zero, redis: Bool = true,
        postgres: Bool = true
    ) -> SlotReading {
        var metrics = Metrics()
        metrics.set(.redisUp, to: redis ? 1 : 0)
        metrics.set(.postgresUp, to: postgres ? 1 : 0)
        metrics.set(.inFlight, to: 3)
        metrics.increment(.deliveries(.normal, .delivered), by: 7)
        return SlotReading(
            pid: 4_711, incarnation: Incarnation(rawValue: "0-a"), state: state,
            heartbeat: Instant(nanoseconds: Self.now.nanoseconds - silent.wholeNanoseconds),
            stage: .idle, item: nil, metrics: metrics)
    }

    /// Serves these workers on a free port for as long as `body` takes.
    private func serving(
        _ workers: [SlotReading],
        log: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: (Int) async throws -> Void
    ) async throws {
        let source = AdminSource(
            workers: { workers },
            metrics: {
                .total(workers: workers.map(\.metrics), supervisor: Metrics(), ended: Metrics())
            }, now: { Self.now })
        let server = AdminServer(host: "127.0.0.1", port: 0, source: source, log: log)
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { bound.finish() }
                try await server.run { bound.yield($0) }
            }
            var iterator = ports.makeAsyncIterator()
            try await body(#require(await iterator.next()))
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `it starts and ends without a word in the log`() async throws {
        let lines = Lines()
        let log = Logger(label: "test") { _ in LineCollector(lines: lines) }
        try await serving([], log: log) { port in
            let answer = try await get(port, "/healthz")
            #expect(answer.status == 200)
        }
        #expect(lines.all == [])
    }

    @Test(arguments: [
        ("127.0.0.1", "is taken by another program"), ("nosuch.invalid", "is not found"),
        ("192.0.2.1", "is no address of this machine"),
    ])
    func `an address that cannot be had is told in words`(
        host: String, words: String
    ) async throws {
        try await serving([]) { port in
            let source = AdminSource(
                workers: { [] },
                metrics: { .total(workers: [], supervisor: Metrics(), ended: Metrics()) },
                now: { Self.now })
            let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let second = AdminServer(host: host, port: port, source: source, log: log)
            let error = await #expect(throws: UnusableAddress.self) { try await second.run() }
            #expect(error?.description == words)
        }
    }

    @Test func `healthz answers without any worker`() async throws {
        try await serving([]) { port in
            let answer = try await get(port, "/healthz")
            #expect(answer.status == 200)
            #expect(answer.body == "ok\n")
        }
    }

    @Test func `metrics are the workers' added up`() async throws {
        try await serving([worker(), worker()]) { port in
            let answer = try await get(port, "/metrics")
            #expect(answer.status == 200)
            #expect(answer.contentType == "text/plain; version=0.0.4; charset=utf-8")
            let lines = answer.body.split(separator: "\n")
            #expect(
                lines.contains(#"trunkline_deliveries_total{lane="normal",state="delivered"} 14"#))
            #expect(lines.contains("trunkline_in_flight 6"))
            #expect(lines.contains("trunkline_redis_up 1"))
        }
    }

    @Test func `ready when every worker delivers`() async throws {
        try await serving([worker(), worker(silent: .seconds(9))]) { port in
            let answer = try await get(port, "/readyz")
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""ready":true"#))
            #expect(answer.body.contains(#""reasons":[]"#))
            #expect(answer.contentType == "application/json; charset=utf-8")
        }
    }

    @Test func `not ready for every reason of every worker`() async throws {
        let workers = [
            worker(), worker(.absent), worker(.starting), worker(.draining),
            worker(silent: .seconds(12), redis: false, postgres: false),
        ]
        try await serving(workers) { port in
            let answer = try await get(port, "/readyz")
            #expect(answer.status == 503)
            for (slot, reason) in [
                (1, "no worker"), (2, "worker is starting"), (3, "worker is draining"),
                (4, "no heartbeat for 12 s"), (4, "Redis is away"),
                (4, "PostgreSQL is away"),
            ] {
                #expect(answer.body.contains(#""slot":\#(slot)"#))
                #expect(answer.body.contains(#""reason":"\#(reason)""#))
            }
            #expect(answer.body.contains(#""ready":false"#))
            #expect(!answer.body.contains(#""slot":0"#))
        }
    }

    @Test func `the index names the pages and the workers`() async throws {
        try await serving([worker(), worker(.absent)]) { port in
            let answer = try await get(port, "/")
            #expect(answer.status == 200)
            for page in ["/healthz", "/readyz", "/metrics"] {
                #expect(answer.body.contains(page))
            }
            #expect(answer.body.contains("0  ready  pid 4711  3 in flight"))
            #expect(answer.body.contains("1  absent"))
        }
    }

    @Test(arguments: ["/nothing", "/metrics/x", "/../etc/passwd"])
    func `there is nothing else`(path: String) async throws {
        try await serving([worker()]) { port in
            let answer = try await get(port, path)
            #expect(answer.status == 404)
        }
    }

    @Test func `an address that is taken is an error`() async throws {
        try await serving([]) { port in
            let source = AdminSource(
                workers: { [] }, metrics: { Metrics() }, now: { Self.now })
            let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let second = AdminServer(host: "127.0.0.1", port: port, source: source, log: log)
            await #expect(throws: (any Error).self) { try await second.run() }
        }
    }
}

/// What was logged, from any thread.
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

    func log(event: LogEvent) { lines.add("\(event.level): \(event.message)") }
}
