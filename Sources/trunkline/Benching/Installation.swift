internal import Bench
internal import DeliveryCore
internal import PostgresStore
internal import RedisQueue

/// Workers, a Redis and a PostgreSQL that run before and after a benchmark, and may have other work.
///
/// Nothing of it is started, stopped or emptied. A run adds keys, followers and activities under
/// names that nobody else has; ``leave(_:_:_:_:)`` takes the first two away again, and the third ends
/// by itself: each entry says when it expires.
struct Installation {
    let site: BenchSite
    let options: InstallationOptions
    private let workers: [String]
    private let remarks: [String]

    /// - Throws: what it lacks, and the mend.
    init(_ options: InstallationOptions, sink: BenchSink) throws {
        self.options = options
        let database = try options.connection.connectToDatabase()
        let client = try options.connection.connectToRedis()
        let alive = try Self.redis { () throws(RedisFailure) in try client.aliveWorkers() }
        // By slot, then by name: as the workers of a pool are counted.
        workers = alive.sorted { (Self.slot($0), $0) < (Self.slot($1), $1) }
        let endpoint = try options.connection.redisEndpoint()
        guard !workers.isEmpty else {
            throw CommandFailure.failed(
                "no worker runs in this installation (`\(client.keys.workers)` of Redis at "
                    + "\(endpoint) names none that is alive): start some, with "
                    + Self.flags(for: sink))
        }
        try Self.check(options.metrics, workers: workers.count)
        let partitions = try asking { () throws(StoreFailure) in
            try database.query("select count(*) from trunkline.partition")[0][0]
        }
        let processes = ProcessUse.workers(workers)
        site = BenchSite(
            services: .installation, redis: endpoint, keys: client.keys,
            database: try options.connection.databaseConnectionString(), workers: workers.count,
            partitions: partitions.flatMap { Int($0) } ?? 0,
            meters: .installation(workers: processes, metrics: options.metrics))
        var remarks = try Self.otherWork(client, database, partitions: site.partitions)
        for remark in remarks { note("warning: \(remark)") }
        remarks += Self.unmeasured(workers: processes, options.metrics)
        self.remarks = remarks
    }

    /// What workers must be started with.
    static func flags(for sink: BenchSink) -> String {
        "`trunkline run --allow-address 127.0.0.0/8 --ca-file trusted.pem`, \(trust(in: sink))"
    }

    /// What `trusted.pem` is. With the sink's authority alone in it, all real hosts would fail.
    static func trust(in sink: BenchSink) -> String {
        "made by `cat /etc/ssl/certs/ca-certificates.crt \(sink.authority) > trusted.pem`, for "
            + "--ca-file takes the place of the system's authorities"
    }

    // MARK: before the load

    /// Tells the workers of the senders, and has each worker deliver once.
    func probe(
        _ population: Population, _ sink: BenchSink, _ interruption: Interruption,
        into entries: inout EnqueuedEntries
    ) throws {
        try population.audit("keys added")
        let client = try options.connection.connectToRedis()
        try client.tellWorkers("keys added: \(population.world.names.domain)")
        try ProbeDelivery(
            population: population, sink: sink, database: openDatabase(site.database),
            workers: workers, partitions: site.partitions
        ).run(client, interruption, into: &entries)
        try sink.reset()
    }

    private static func check(_ metrics: [MetricsPage], workers: Int) throws {
        guard !metrics.isEmpty else { return }
        var ready = 0
        for page in metrics {
            do {
                guard let count = try page.read().readyWorkers else {
                    throw CommandFailure.failed(
                        "--metrics \(page) has no `trunkline_workers`: name what a pool serves, as "
                            + "http://127.0.0.1:9464/metrics")
                }
                ready += count
            } catch let failure as PlainHTTP.Failure {
                throw CommandFailure.failed(
                    "--metrics \(page): \(failure): name what `run --admin` of a pool serves")
            }
        }
        guard ready == workers else {
            throw CommandFailure.failed(
                "what --metrics names has \(ready) workers that deliver, the installation "
                    + "\(workers): name the metrics of each of its pools, once")
        }
    }

    private static func otherWork(
        _ client: borrowing RedisClient, _ database: Database, partitions: Int
    ) throws -> [String] {
        let lengths = try Self.redis { () throws(RedisFailure) in
            try client.queueLengths(partitions: partitions)
        }
        var remarks: [String] = []
        if lengths.intake + lengths.log > 0 {
            remarks.append(
                "the installation had other work when the run began: \(lengths.intake) entries in "
                    + "its lanes, \(lengths.log) in its logs")
        }
        let controls = try asking { () throws(StoreFailure) in try database.controlsInForce() }
        remarks += controls.filter { $0.host == nil && $0.keyID == nil }.map(\.sentence.printable)
        return remarks
    }

    private static func unmeasured(workers: [Int32]?, _ metrics: [MetricsPage]) -> [String] {
        var remarks = [
            "what PostgreSQL used cannot be asked for; Redis' CPU is what it did for anybody"
        ]
        if workers == nil {
            remarks.append(
                "not all processes of the workers are seen from here: their memory is not measured, "
                    + "and their CPU is "
                    + (metrics.isEmpty ? "not, without --metrics" : "the sum of their stages"))
        }
        if metrics.isEmpty {
            remarks.append("CPU by stage is told by the pools' metrics: name them with --metrics")
        }
        return remarks
    }

    // MARK: after it

    func remarksAfterRun() throws -> [String] {
        let client = try options.connection.connectToRedis()
        let alive = try Self.redis { () throws(RedisFailure) in try client.aliveWorkers() }
        return Set(alive) == Set(workers)
            ? remarks : remarks + ["workers came or went while it ran"]
    }

    /// Of an incarnation.
    private static func slot(_ name: String) -> Int { Int(name.prefix { $0 != "-" }) ?? .max }

    static func redis<Value>(
        _ ask: () throws(RedisFailure) -> Value
    ) throws(CommandFailure) -> Value {
        do {
            return try ask()
        } catch {
            throw .failed("Redis: \(error.sentence)")
        }
    }
}
