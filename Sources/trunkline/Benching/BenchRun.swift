internal import Bench
internal import HTTPSignatures
internal import PostgresStore
internal import RedisQueue
internal import SigningKeys
internal import Supervision

/// One run of a scenario, from starting servers to its figures. It blocks its thread.
struct BenchRun: Sendable {
    let scenario: Scenario
    let workers: Int
    /// Further flags of the pool.
    let flags: [String]
    let interruption: Interruption

    /// Servers are stopped and their directory is gone when it returns or throws.
    func run() throws -> BenchResult {
        let servers = try BenchServers(interruption: interruption)
        defer { servers.stop() }
        note(
            "starting a sink, Redis, PostgreSQL and \(workers) \(workers == 1 ? "worker" : "workers")"
        )
        try servers.startSink(rules: scenario.rulesFile)
        try servers.startPool(workers: workers, flags: flags)
        let world = World(scenario, port: servers.httpsPort)
        let database = try openDatabase(servers.database)
        let plan = LoadPlan(scenario, world: world)
        guard plan.expectedDeliveries <= LoadPlan.mostDeliveries else {
            throw CommandFailure.usage(
                "\(plan.expectedDeliveries) deliveries are more than the sink keeps apart, "
                    + "\(LoadPlan.mostDeliveries): lower `rate` or `duration`")
        }
        try addSenders(database, servers)
        try addFollowers(world, database)
        return try measure(plan, servers, partitions: Database.defaultPartitionCount)
    }

    // MARK: what the load needs

    private func addSenders(_ database: Database, _ servers: BenchServers) throws {
        for sender in 0..<scenario.senders {
            try interruption.check()
            let (key, id) = (try PrivateKey(generating: .rsaSHA256), World.key(sender))
            let pem = String(decoding: try key.privatePEM(), as: UTF8.self)
            try asking { () throws(StoreFailure) in
                try database.addKey(
                    keyID: id, algorithm: KeyKind(key.algorithm).rawValue, pem: pem)
            }
            let actor = JSON.object([
                ("keyId", .string(id)),
                ("publicKeyPem", .string(String(decoding: try key.publicPEM(), as: UTF8.self))),
            ])
            try BenchFiles.write(
                Array(actor.compact.utf8), to: servers.file("actors/s\(sender).json"))
        }
    }

    private func addFollowers(_ world: World, _ database: Database) throws {
        guard scenario.mix.contains(where: { $0.audience == .followers }) else { return }
        let batch = 5_000
        for first in stride(from: 0, to: world.followers, by: batch) {
            try interruption.check()
            let some = first..<min(first + batch, world.followers)
            let inboxes = some.map { world.url($0) }.joined(separator: ",")
            let shared = some.map { world.sharedInboxes ? world.url(world.inbox(of: $0)) : "null" }
            _ = try asking { () throws(StoreFailure) in
                try database.query(
                    """
                    insert into trunkline.follower (audience, inbox, shared_inbox)
                    select $1, unnest($2::text[]), unnest($3::text[])
                    """, [World.audience, "{\(inboxes)}", "{\(shared.joined(separator: ","))}"])
            }
        }
    }

    // MARK: the load

    private func measure(
        _ plan: LoadPlan, _ servers: BenchServers, partitions: Int
    ) throws -> BenchResult {
        guard let pool = servers.pool, let sink = servers.sink else {
            throw CommandFailure.failed("nothing was started")
        }
        let sampler = Sampler(
            sink: servers.sinkControl, admin: servers.admin, processes: (pool.pid, sink.pid),
            redis: servers.redis, keys: QueueKeys(), partitions: partitions)
        let lead: Int64 = 200_000
        let start = BenchClock.steadyMicroseconds + lead
        let startWall = BenchClock.wallMicroseconds + lead
        note(
            "\(plan.activities.count) activities in \(Figure.text(scenario.totalSeconds)) s, "
                + "\(plan.expectedDeliveries) deliveries")
        sampler.run(from: start)
        let late: [Int64]
        do {
            defer { sampler.stop() }
            late = try LoadGenerator(
                plan: plan, redis: servers.redis, keys: QueueKeys(), interruption: interruption
            ).run(from: start)
            try drain(plan, servers, sampler)
        } catch {
            // A server that has ended is the cause of whatever else was seen.
            try servers.checkRunning()
            throw error
        }
        return try judge(plan, servers, sampler.samples, startWall: startWall, late: late)
    }

    /// Until everything has come, is recorded and resolved; or time is over.
    private func drain(_ plan: LoadPlan, _ servers: BenchServers, _ sampler: Sampler) throws {
        let limit = Duration.seconds(scenario.patienceSeconds)
        let isComplete = try interruption.wait(atMost: limit, looking: .milliseconds(100)) {
            try servers.checkRunning()
            if let failure = sampler.failure { throw CommandFailure.failed(failure) }
            let account = SinkAccount(report: try servers.sinkControl.get("/.sink/report"))
            return account?.accepted ?? 0 >= plan.expectedDeliveries
        }
        if !isComplete {
            note("after \(Figure.text(scenario.patienceSeconds)) s some have still not come")
        }
        // Two whole looks with nothing left: what is recorded late is counted, too.
        var (seen, quiet) = (sampler.samples.count, 0)
        _ = try interruption.wait(atMost: isComplete ? limit : .seconds(3)) {
            let samples = sampler.samples
            guard samples.count > seen else { return false }
            seen = samples.count
            quiet = samples.last.map { $0.logEntries + $0.intakeEntries } == 0 ? quiet + 1 : 0
            return quiet >= 2
        }
    }

    // MARK: the figures

    private func judge(
        _ plan: LoadPlan, _ servers: BenchServers, _ samples: [Sample], startWall: Int64,
        late: [Int64]
    ) throws -> BenchResult {
        guard let last = samples.last,
            let account = SinkAccount(report: try servers.sinkControl.get("/.sink/report"))
        else { throw CommandFailure.failed("nothing was seen of the run") }
        var tally = Tally(plan)
        try servers.sinkControl.lines(of: "/.sink/pairs") { line in
            if let pair = PairLine(line) { tally.add(pair) }
        }
        let from = samples.first { $0.second >= scenario.warmUpSeconds } ?? last
        let measurement = Measurement(
            plan: plan, tally: tally, samples: samples, startMicroseconds: startWall,
            lateMicroseconds: late, cpuFrom: from, cpuTo: last,
            badSignatures: account.badSignatures, requests: account.requests,
            unaccounted: account.unaccounted)
        return BenchResult(
            measurement, workers: workers, date: MachineFacts.date, machine: MachineFacts.machine,
            commit: MachineFacts.commit(scratch: servers.directory),
            versions: try versions(servers))
    }

    private func versions(_ servers: BenchServers) throws -> [String: String] {
        var versions = MachineFacts.versions
        versions["Redis"] = try RedisClient(endpoint: servers.redis).facts().version
        let database = try openDatabase(servers.database)
        versions["PostgreSQL"] =
            try asking { () throws(StoreFailure) in
                try database.query("show server_version")
            }.first?.first ?? nil
        return versions
    }
}
