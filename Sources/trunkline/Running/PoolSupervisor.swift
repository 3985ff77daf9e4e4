internal import AdminServer
internal import DeliveryCore
internal import Glibc
internal import Logging
internal import RedisQueue
internal import Scoreboard
internal import Supervision
internal import Telemetry

/// Where a pool's Redis and PostgreSQL are.
struct PoolConnection: Sendable {
    var redis: RedisEndpoint
    var redisURL: String
    var database: String
    var keys: QueueKeys

    /// In the environment, not in the arguments: others may see those.
    var environment: [String: String] {
        var environment = Self.inheritedEnvironment
        environment[ConnectionOptions.redisVariable] = redisURL
        environment[ConnectionOptions.databaseVariable] = database
        environment[ConnectionOptions.stateDirectoryVariable] = nil
        return environment
    }

    /// All variables of this process.
    static var inheritedEnvironment: [String: String] {
        var environment: [String: String] = [:]
        var entry = environ
        while let line = entry.pointee {
            entry += 1
            let text = String(cString: line)
            guard let equals = text.firstIndex(of: "=") else { continue }
            environment[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return environment
    }
}

/// Runs the workers and the admin server until it is told to stop.
struct PoolSupervisor {
    private let pool: WorkerPool
    private let crashes: CrashLedger
    private let drainTime: Duration
    private let log: Logger

    init(
        connection: PoolConnection, arguments: [String], workers: Int, partitions: Int,
        requestTimeout: Duration, log: Logger
    ) throws {
        self.log = log
        drainTime = Self.drainTime(requestTimeout: requestTimeout)
        let crashes = CrashLedger(database: connection.database, log: log)
        self.crashes = crashes
        let descriptor = WorkerPlan.scoreboardDescriptor
        let plan = WorkerPlan(
            count: workers, program: "/proc/self/exe", name: "trunkline",
            arguments: { slot, incarnation in
                ["worker", "--slot", String(slot), "--scoreboard", String(descriptor)]
                    + ["--incarnation", incarnation.rawValue] + arguments
            },
            environment: connection.environment,
            onDeath: { incarnation in
                Self.release(incarnation, connection, partitions: partitions, log: log)
            },
            onCrash: { await crashes.record($0) })
        pool = try WorkerPool(plan, log: log)
    }

    /// What has not ended after this long is killed, and sent again by others.
    ///
    /// An exchange that is refused or reset may begin once more, and then takes twice its time; the
    /// rest is for what is left to record.
    static func drainTime(requestTimeout: Duration) -> Duration {
        max(requestTimeout * 2 + .seconds(30), .seconds(60))
    }

    /// What a dead worker owned is free at once, instead of when its leases run out.
    private static func release(
        _ incarnation: Incarnation, _ connection: PoolConnection, partitions: Int, log: Logger
    ) {
        do {
            let client = try RedisClient(endpoint: connection.redis, keys: connection.keys)
            defer { try? client.retire(incarnation) }
            try client.releaseLeases(of: incarnation, partitions: 0..<partitions)
        } catch {
            log.warning("leases of \(incarnation.rawValue) run out by themselves: \(error)")
        }
    }

    func run(admin: AdminAddress, until stop: StopSignals, format: LogFormat) async {
        await withTaskGroup(of: Void.self) { group in
            if case .listen(let host, let port) = admin {
                group.addTask { await serve(host, port) }
            }
            group.addTask { await announce(format) }
            await pool.start()
            await stop.wait()
            log.info("draining", metadata: ["deadline": "\(drainTime)"])
            await pool.drain(deadline: drainTime)
            group.cancelAll()
        }
        let lost = crashes.waitingCount
        if lost > 0 {
            log.error("\(lost) crashes could not be put on record: PostgreSQL is away")
        }
        log.info("stopped")
    }

    /// An address that is taken is no reason not to deliver.
    private func serve(_ host: String, _ port: Int) async {
        do {
            try await adminServer(host, port).run { bound in
                log.info("admin server listens", metadata: ["port": "\(bound)"])
            }
        } catch let error as UnusableAddress {
            log.error(
                """
                --admin \(host):\(port) \(error): choose another; until then there are no metrics \
                and health checks
                """)
        } catch {
            log.error("the admin server at \(host):\(port) has ended: \(error)")
        }
    }

    private func adminServer(_ host: String, _ port: Int) -> AdminServer {
        AdminServer(
            host: host, port: port,
            source: AdminSource(
                workers: { [pool] in await pool.status().workers.map(\.reading) },
                metrics: { [pool, crashes] in
                    var metrics = await pool.status().metrics
                    crashes.add(to: &metrics)
                    return metrics
                },
                now: { BootClock.now }),
            log: log)
    }

    /// Says `ready` once every worker delivers: what scripts wait for.
    private func announce(_ format: LogFormat) async {
        let watch = AsyncPulse(every: .milliseconds(50))
        for await _ in watch where await pool.status().isReady { break }
        if Task.isCancelled { return }
        writeToStandardError(format == .json ? "{\"event\":\"ready\"}\n" : "ready\n")
    }
}
