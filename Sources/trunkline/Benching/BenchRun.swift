internal import Bench
internal import PostgresStore
internal import RedisQueue

/// One run of a scenario, from its sink to its figures. It blocks its thread.
struct BenchRun: Sendable {
    /// After its patience, for a generator that was late, until what is left expires.
    private static let reprieve: Duration = .seconds(60)

    let scenario: Scenario
    let services: BenchServices.Choice
    let interruption: Interruption

    /// What was started is stopped, and what was added removed, when it returns or throws.
    func run() throws -> BenchResult {
        do {
            return try perform()
        } catch let failure as RedisFailure {
            throw CommandFailure.failed("Redis: \(failure.sentence)")
        }
    }

    private func perform() throws -> BenchResult {
        let directory = try BenchDirectory()
        defer { directory.remove() }
        let names = names
        let sink = try sink(in: directory, for: names)
        defer { sink.stop() }
        let world = World(scenario, port: sink.httpsPort, names: names)
        let plan = LoadPlan(scenario, world: world)
        guard plan.expectedDeliveries <= LoadPlan.mostDeliveries else {
            throw CommandFailure.usage(
                "\(plan.expectedDeliveries) deliveries are more than the sink keeps apart, "
                    + "\(LoadPlan.mostDeliveries): lower `rate` or `duration`")
        }
        let services = try services(for: sink, in: directory)
        var entries = EnqueuedEntries()
        var added: Population?
        defer { services.end(added, entries, sink, interruption) }
        let population = Population(scenario, world, try openDatabase(services.site.database))
        added = population
        try population.addSenders(directory, interruption)
        try services.probe(population, sink, interruption, into: &entries)
        try population.addFollowers(interruption)
        let load = Load(plan: plan, population: population, sink: sink, services: services)
        return try measure(load, directory, &entries)
    }

    // MARK: what is measured

    private func sink(
        in directory: BenchDirectory, for names: LoadNames
    ) throws -> BenchSink {
        switch services {
        case .own:
            try BenchSink(
                rules: try scenario.rulesFile(), state: directory.file("sink"), port: 0,
                in: directory, interruption)
        case .installation(let options):
            try BenchSink(
                rules: try scenario.rulesFile(for: names),
                state: try options.sinkDirectory(), port: options.sinkPort ?? 0, in: directory,
                interruption)
        }
    }

    /// Drawn anew each time, beside others.
    private var names: LoadNames {
        switch services {
        case .own: .alone
        case .installation: LoadNames(run: .random(in: 0 ... .max))
        }
    }

    private func services(
        for sink: BenchSink, in directory: BenchDirectory
    ) throws -> BenchServices {
        switch services {
        case .own(let workers, let flags):
            note("starting Redis, PostgreSQL and \(workers) \(workers == 1 ? "worker" : "workers")")
            return .own(
                try BenchPool(
                    workers: workers, flags: flags, for: sink, in: directory, interruption))
        case .installation(let options):
            let installation = try Installation(options, sink: sink)
            let workers = installation.site.workers
            note(
                "measuring \(workers) \(workers == 1 ? "worker" : "workers") of the installation "
                    + "with Redis at \(installation.site.redis)")
            return .installation(installation)
        }
    }

    // MARK: the load

    /// What takes part in it.
    private struct Load {
        let plan: LoadPlan
        let population: Population
        let sink: BenchSink
        let services: BenchServices

        func checkRunning() throws(CommandFailure) {
            try sink.checkRunning()
            try services.checkRunning()
        }
    }

    private func measure(
        _ load: Load, _ directory: BenchDirectory, _ entries: inout EnqueuedEntries
    ) throws -> BenchResult {
        let site = load.services.site
        let sampler = Sampler(site, load.sink)
        let lead: Int64 = 200_000
        let start = BenchClock.steadyMicroseconds + lead
        let startWall = BenchClock.wallMicroseconds + lead
        note(
            "\(load.plan.activities.count) activities in \(Figure.text(scenario.totalSeconds)) s, "
                + "\(load.plan.expectedDeliveries) deliveries")
        sampler.run(from: start)
        let late: [Int64]
        do {
            defer { sampler.stop() }
            late = try LoadGenerator(
                plan: load.plan, redis: site.redis, keys: site.keys,
                expires: load.services.outlivesRun ? expiry(startWall) : nil,
                interruption: interruption
            ).run(from: start, into: &entries)
            try drain(load, sampler, entries)
        } catch {
            // A server that has ended is the cause of whatever else was seen.
            try load.checkRunning()
            throw error
        }
        return try judge(load, directory, sampler, startWall: startWall, late: late)
    }

    /// In seconds since 1970.
    private func expiry(_ start: Int64) -> Int64 {
        start / 1_000_000 + Int64(scenario.totalSeconds + scenario.patienceSeconds)
            + Self.reprieve.components.seconds
    }

    /// Until everything has come, is recorded and resolved; or time is over.
    private func drain(_ load: Load, _ sampler: Sampler, _ entries: EnqueuedEntries) throws {
        let limit = Duration.seconds(scenario.patienceSeconds)
        let isComplete = try interruption.wait(atMost: limit, looking: .milliseconds(100)) {
            try load.checkRunning()
            if let failure = sampler.failure { throw CommandFailure.failed(failure) }
            return try load.sink.account()?.accepted ?? 0 >= load.plan.expectedDeliveries
        }
        if !isComplete {
            note("after \(Figure.text(scenario.patienceSeconds)) s some have still not come")
        }
        // Two whole looks with nothing left: what is recorded late is counted, too.
        var (seen, quiet) = (sampler.samples.count, 0)
        _ = try interruption.wait(atMost: isComplete ? limit : .seconds(3)) {
            let samples = sampler.samples
            guard samples.count > seen, let last = samples.last else { return false }
            seen = samples.count
            let isSettled = try load.services.isSettled(last, load.population, entries)
            quiet = isSettled ? quiet + 1 : 0
            return quiet >= 2
        }
    }

    // MARK: the figures

    private func judge(
        _ load: Load, _ directory: BenchDirectory, _ sampler: Sampler, startWall: Int64,
        late: [Int64]
    ) throws -> BenchResult {
        let samples = sampler.samples
        guard let last = samples.last, let account = try load.sink.account() else {
            throw CommandFailure.failed("nothing was seen of the run")
        }
        var tally = Tally(load.plan)
        try load.sink.control.lines(of: "/.sink/pairs") { line in
            if let pair = PairLine(line) { tally.add(pair) }
        }
        let from = samples.first { $0.second >= scenario.warmUpSeconds } ?? last
        let measurement = Measurement(
            plan: load.plan, tally: tally, samples: samples, startMicroseconds: startWall,
            lateMicroseconds: late, cpuFrom: from, cpuTo: last,
            badSignatures: account.badSignatures, requests: account.requests,
            unaccounted: account.unaccounted)
        let site = load.services.site
        return BenchResult(
            measurement, services: site.services, workers: site.workers, date: MachineFacts.date,
            machine: MachineFacts.machine, commit: commit(directory),
            versions: try versions(site), remarks: try load.services.remarks() + sampler.remarks)
    }

    /// Workers that others have started may be of another.
    private func commit(_ directory: BenchDirectory) -> String? {
        switch services {
        case .own: MachineFacts.commit(scratch: directory.path)
        case .installation: nil
        }
    }

    private func versions(_ site: BenchSite) throws -> [String: String] {
        var versions: [String: String]
        switch services {
        case .own: versions = MachineFacts.versions
        case .installation: versions = ["trunkline bench": TrunklineVersion.current]
        }
        versions["Redis"] = try RedisClient(endpoint: site.redis).facts().version
        let database = try openDatabase(site.database)
        versions["PostgreSQL"] =
            try asking { () throws(StoreFailure) in
                try database.query("show server_version")
            }.first?.first ?? nil
        return versions
    }
}
