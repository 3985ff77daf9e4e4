import DeliveryCore
import Foundation
import PostgresStore
import RedisQueue
import Supervision
import Testing

/// `trunkline bench` with workers that run before it and after.
@Suite(.serialized, .pool) struct InstallationBenchTests {
    private static let brief = ["warmUp": 1, "duration": 3]

    private func bench(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]
    ) throws -> Trunkline.Result {
        try Trunkline.run(
            ["bench"] + arguments, environment: environment.merging(["TMPDIR": scratch.path]) { $1 }
        )
    }

    private func json(_ file: String, in scratch: Scratch) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(scratch.read(file).utf8))
        return try #require(value as? [String: Any])
    }

    /// What a run adds, and must not leave.
    private func leftovers(_ database: Database) throws -> [String] {
        try database.query(
            """
            select key_id from trunkline.signing_key
            union all select audience || ' ' || inbox from trunkline.follower
            """
        ).compactMap { $0[0] }
    }

    private func pool(
        of tenant: Tenant, in scratch: Scratch, _ flags: [String]
    ) throws -> RunningPool {
        try RunningPool(tenant.flags + flags, log: scratch.file("run.log"))
    }

    /// Makes the authority of a sink, as its first run does, and answers what that said.
    private func withoutWorkers(_ tenant: Tenant, in scratch: Scratch) throws -> Trunkline.Result {
        try bench(
            ["--scenario", SmallScenario.path, "--sink-state", scratch.file("sink")] + tenant.flags,
            in: scratch)
    }

    @Test func `without a worker it is refused, with what workers need`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        let done = try withoutWorkers(tenant, in: scratch)
        #expect(done.code == 1)
        #expect(done.errors.contains("no worker runs in this installation"))
        #expect(done.errors.contains("`\(tenant.keyPrefix)workers`"))
        let authority = scratch.file("sink/ca.pem")
        #expect(
            done.errors.contains(
                "`trunkline run --allow-address 127.0.0.0/8 --ca-file trusted.pem`, made by "
                    + "`cat /etc/ssl/certs/ca-certificates.crt \(authority) > trusted.pem`"))
        #expect(FileManager.default.fileExists(atPath: authority))
        #expect(try leftovers(tenant.database()).isEmpty)
    }

    @Test func `a database without a schema is refused`() throws {
        let (pool, scratch) = (try Pool.required, try Scratch())
        let done = try bench(
            [
                "--scenario", SmallScenario.path, "--sink-state", scratch.file("sink"),
                "--state-directory", pool.stateDirectory,
            ], in: scratch)
        #expect(done.code == 1)
        #expect(done.errors.contains("has no schema `trunkline` yet"))
    }

    @Test func `what runs is measured, and has nothing of it left but the record`() throws {
        let scratch = try Scratch()
        let (state, sink) = (scratch.file("pool"), scratch.file("sink"))
        // As its user would: the sink's authority first, then the workers that trust it.
        let sinkAlone = try ChildProcess(
            Supervision.Command(
                path: Trunkline.path.path, arguments: ["sink", "--state-directory", sink],
                output: .appended(to: scratch.file("sink.log"))))
        let deadline = ContinuousClock.now + .seconds(60)
        while !FileManager.default.fileExists(atPath: sink + "/ca.pem"),
            ContinuousClock.now < deadline
        {
            poll(nil, 0, 20)
        }
        sinkAlone.terminate(grace: .seconds(10))
        let pool = try RunningPool(
            [
                "--embedded", "--state-directory", state, "--ca-file", sink + "/ca.pem",
                "--allow-address", "127.0.0.0/8",
            ], log: scratch.file("run.log"))
        let scenario = try SmallScenario.changed(Self.brief, in: scratch)
        let done = try bench(
            [
                "--scenario", scenario, "--redis", "redis+unix://\(state)/redis.sock",
                "--database", "host='\(state)' dbname=trunkline", "--sink-state", sink,
                "--metrics", try pool.metrics, "--json", scratch.file("a.json"),
                "--html", scratch.file("a.html"),
            ], in: scratch)
        try #require(done.code == 0, "\(done.errors)\(done.output)")
        #expect(done.output.contains("2 workers of an installation"))
        #expect(done.output.contains("each once, each signature holds, nothing else came."))
        try check(json("a.json", in: scratch))
        #expect(try scratch.read("a.html").hasSuffix("</html>\n"))

        let database = try Database(connectionString: "host='\(state)' dbname=trunkline")
        #expect(try leftovers(database).isEmpty)
        let audit = try database.query("select action from trunkline.audit order by id")
        #expect(audit == [["keys added"], ["keys removed"]])
        let waiting = try database.query(
            "select count(*) from trunkline.delivery where state <> 'delivered'")
        #expect(waiting == [["0"]])
        #expect(pool.isRunning)

        #expect(pool.stop() == .exited(0))
    }

    private func check(_ result: [String: Any]) throws {
        #expect(result["services"] as? String == "installation")
        #expect(result["workers"] as? Int == 2)
        let verified = try #require(result["verified"] as? [String: Any])
        let expected = try #require(verified["expected"] as? Int)
        #expect(expected > 50)
        #expect(verified["delivered"] as? Int == expected)
        // The deliveries that were tried before the load are not of it.
        #expect(verified["strangers"] as? Int == 0)
        #expect(verified["requests"] as? Int == expected)
        let kinds = try #require(result["cpu"] as? [[String: Any]])
        for kind in kinds {
            let name = try #require(kind["name"] as? String)
            let isMeasured = ["worker", "redis", "sink", "bench"].contains(name)
            #expect(kind["seconds"] is NSNull == !isMeasured, "\(name)")
            if isMeasured { #expect(kind["seconds"] as? Double ?? 0 > 0, "\(name)") }
        }
        let stages = try #require(result["stages"] as? [[String: Any]])
        #expect(stages.contains { $0["name"] as? String == "sign" })
        let memory = try #require(result["memory"] as? [[String: Any]])
        #expect(
            Set(memory.compactMap { $0["name"] as? String })
                == ["worker 1", "worker 2", "redis", "sink", "bench"])
        let versions = try #require(result["versions"] as? [String: String])
        #expect(Set(versions.keys) == ["trunkline bench", "Redis", "PostgreSQL"])
    }

    @Test func `other work and a paused lane are told, and left alone`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        #expect(try tenant.run("pause", "--lane", "normal").code == 0)
        let redis = try tenant.redis()
        try redis.command(["XADD", redis.keys.intake(.normal), "*", "other", "work"])
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))

        let mix: [[String: Any]] = [
            ["to": "followers", "lane": "bulk", "weight": 1],
            ["to": "single", "lane": "urgent", "weight": 3],
        ]
        // It says of all hosts, and not of those that are tried before.
        let busy: [[String: Any]] = [["times": 1, "status": 503]]
        let scenario = try SmallScenario.changed(
            ["warmUp": 1, "duration": 3, "mix": mix, "rules": busy], in: scratch)
        let prefix = ["--key-prefix", tenant.keyPrefix]
        let done = try bench(
            ["--scenario", scenario, "--sink-state", scratch.file("sink")] + prefix
                + ["--json", scratch.file("a.json")],
            in: scratch,
            environment: [
                "TRUNKLINE_REDIS_URL": tenant.redisURL,
                "TRUNKLINE_DATABASE_URL": tenant.connectionString,
            ])
        try #require(done.code == 0, "\(done.errors)\(done.output)")
        for remark in ["had other work when the run began: 1 entries", "lane normal is paused"] {
            #expect(done.errors.contains(remark), "\(done.errors)")
            #expect(done.output.contains(remark))
        }
        // Without --metrics.
        #expect(done.output.contains("CPU of the workers, by stage: not measured"))
        #expect(try json("a.json", in: scratch)["stages"] is NSNull)
        #expect(try redis.command(["XLEN", redis.keys.intake(.normal)]).integer == 1)
        #expect(try leftovers(tenant.database()).isEmpty)
        #expect(pool.isRunning)
    }

    @Test func `a run that is interrupted takes away what it added`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))
        let child = try start(SmallScenario.path, tenant, in: scratch)
        let database = try tenant.database()
        // Some of the load is on its way.
        try wait(for: child) {
            try database.query("select count(*) > 20 from trunkline.activity") == [["t"]]
        }
        #expect(try leftovers(database).count > 2)
        #expect(child.terminate(grace: .seconds(90)) == .exited(1))
        #expect(try scratch.read("log").contains("interrupted"))
        #expect(try leftovers(database).isEmpty)
        #expect(
            try database.query(
                "select count(*) from trunkline.delivery where state <> 'delivered'") == [["0"]])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path)
                .allSatisfy { !$0.hasPrefix("trunkline-bench.") })
        #expect(pool.isRunning)
    }

    /// A run that goes on beside the test; what it says is in `log`.
    private func start(
        _ scenario: String, _ tenant: Tenant, in scratch: Scratch
    ) throws -> ChildProcess {
        try ChildProcess(
            Supervision.Command(
                path: Trunkline.path.path,
                arguments: [
                    "bench", "--scenario", scenario, "--sink-state", scratch.file("sink"),
                ] + tenant.flags,
                environment: ["PATH": "/usr/bin:/bin", "TMPDIR": scratch.path],
                output: .appended(to: scratch.file("log"))))
    }

    private func wait(for child: ChildProcess, until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition(), child.isRunning, ContinuousClock.now < deadline {
            poll(nil, 0, 20)
        }
    }

    /// What workers have read of the normal lane and not acked.
    private func inHand(_ redis: borrowing RedisClient) throws -> Int64 {
        let reply = try redis.command([
            "XPENDING", redis.keys.intake(.normal), QueueKeys.group,
        ])
        return reply.array?.first?.integer ?? 0
    }

    @Test func `what a worker has in its hands when a run is interrupted keeps its key`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))
        let child = try start(SmallScenario.path, tenant, in: scratch)
        let database = try tenant.database()
        let redis = try tenant.redis()
        try wait(for: child) {
            try database.query("select count(*) > 20 from trunkline.activity") == [["t"]]
        }
        // Nothing is stored from here on: what is read stays in hand.
        try database.query("begin")
        try database.query("lock table trunkline.activity in exclusive mode")
        try wait(for: child) { try inHand(redis) > 8 }
        child.send(signal: SIGTERM)
        try wait(for: child) { try scratch.read("log").contains(" entries in hand") }
        try database.query("commit")
        #expect(child.wait(atMost: .seconds(90)) == .exited(1))
        let deadline = ContinuousClock.now + .seconds(30)
        while try inHand(redis) > 0, ContinuousClock.now < deadline { poll(nil, 0, 20) }
        #expect(try database.query("select reason from trunkline.parked").isEmpty)
        #expect(try owed(database) == [["0"]])
        #expect(try leftovers(database).isEmpty)
        #expect(pool.isRunning)
    }

    private func owed(_ database: Database) throws -> [[String?]] {
        try database.query("select count(*) from trunkline.delivery where state = 'waiting'")
    }

    @Test func `what waits for a key that is gone has ended when a run has`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))
        let scenario = try SmallScenario.changed(["patience": 3], in: scratch)
        let child = try start(scenario, tenant, in: scratch)
        let database = try tenant.database()
        try wait(for: child) {
            try database.query("select count(*) > 20 from trunkline.activity") == [["t"]]
        }
        try database.query("delete from trunkline.signing_key")
        try tenant.redis().bumpControl(reason: "keys removed")
        try wait(for: child) {
            try database.query("select count(*) > 3 from trunkline.parked") == [["t"]]
        }
        let parked = try database.query("select array_agg(activity) from trunkline.parked")[0]
        child.send(signal: SIGTERM)
        // What was stored before waits for its key in Redis, where it expires: not for that.
        try wait(for: child) { try scratch.read("log").contains("waiting for ") }
        #expect(child.terminate(grace: .seconds(60)) == .exited(1))
        #expect(try database.query("select reason from trunkline.parked").isEmpty)
        #expect(try database.query("select * from trunkline.owed_by($1)", parked).isEmpty)
        #expect(
            try database.query(
                "select count(*) > 3 from trunkline.outcome where state = 'expired'") == [["t"]])
        #expect(pool.isRunning)
    }

    /// Workers, and a run in which answers take so long that a backlog is left when it is
    /// interrupted; more activities than `count` are stored.
    private func slowRun(
        _ tenant: Tenant, _ database: Database, in scratch: Scratch, stored count: Int
    ) throws -> (RunningPool, ChildProcess) {
        _ = try withoutWorkers(tenant, in: scratch)
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))
        let scenario = try SmallScenario.changed(
            [
                "rate": 40, "followers": 400, "sharedInboxes": false,
                "rules": [["host": "h*.fedi.localhost", "delay": 15_000]],
            ], in: scratch)
        let child = try start(scenario, tenant, in: scratch)
        try wait(for: child) {
            try database.query("select count(*) > \(count) from trunkline.activity") == [["t"]]
        }
        return (pool, child)
    }

    @Test func `the sink stays until what is owed has come`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        let database = try tenant.database()
        let (pool, child) = try slowRun(tenant, database, in: scratch, stored: 60)
        #expect(child.terminate(grace: .seconds(120)) == .exited(1))
        let log = try scratch.read("log")
        #expect(log.contains("waiting for ") && log.contains(" deliveries and "), "\(log)")
        #expect(!log.contains("are left"), "\(log)")
        #expect(try owed(database) == [["0"]])
        #expect(
            try database.query("select name from trunkline.host where state <> 'closed'").isEmpty)
        #expect(try leftovers(database).isEmpty)
        #expect(pool.isRunning)
    }

    @Test func `a second signal ends a run at once`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        let database = try tenant.database()
        let (pool, child) = try slowRun(tenant, database, in: scratch, stored: 20)
        child.send(signal: SIGINT)
        try wait(for: child) { try scratch.read("log").contains("waiting for ") }
        #expect(child.isRunning)
        #expect(child.terminate(grace: .seconds(8)) == .exited(1))
        #expect(try scratch.read("log").contains("are left: they will expire"))
        #expect(try leftovers(database).isEmpty)
        #expect(pool.isRunning)
    }

    @Test func `a look that fails leaves out one sample, and is told`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))
        let scenario = try SmallScenario.changed(Self.brief, in: scratch)
        let child = try start(scenario, tenant, in: scratch)
        let database = try tenant.database()
        let redis = try tenant.redis()
        try wait(for: child) {
            try database.query("select count(*) > 10 from trunkline.activity") == [["t"]]
        }
        // Whoever counts entries just now: nobody but the run does so once a second.
        let clients = try redis.command(["CLIENT", "LIST"]).text ?? ""
        for client in clients.split(separator: "\n") where client.contains(" cmd=xlen ") {
            let id = try #require(client.firstMatch(of: /^id=([0-9]+)/)).1
            try redis.command(["CLIENT", "KILL", "ID", String(id)])
        }
        #expect(child.wait(atMost: .seconds(90)) == .exited(0))
        let log = try scratch.read("log")
        #expect(log.contains("1 of the looks once a second failed, the last one for: Redis: "))
        #expect(log.contains("each once, each signature holds"), "\(log)")
        #expect(pool.isRunning)
    }

    @Test func `what was enqueued before an entry was refused is taken back`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        #expect(try tenant.run("pause", "--lane", "normal").code == 0)
        let redis = try tenant.redis()
        let (normal, urgent) = (redis.keys.intake(.normal), redis.keys.intake(.urgent))
        // It may do everything but fill the lane `bulk`.
        try redis.command([
            "ACL", "SETUSER", "producer", "on", ">secret", "~*", "&*", "+@all", "-xadd",
            "(+xadd ~\(normal))", "(+xadd ~\(urgent))",
        ])
        let pool = try pool(of: tenant, in: scratch, Self.trust(scratch))
        let mix: [[String: Any]] = [
            ["to": "single", "lane": "normal", "weight": 20],
            ["to": "single", "lane": "bulk", "weight": 1],
        ]
        // So many at once that they go as pipelines of 64.
        let scenario = try SmallScenario.changed(
            ["rate": 20_000, "warmUp": 0, "duration": 1, "mix": mix], in: scratch)
        var limited = tenant
        limited.redisURL = tenant.redisURL.replacing("://", with: "://producer:secret@")
        let child = try start(scenario, limited, in: scratch)
        #expect(child.wait(atMost: .seconds(120)) == .exited(1))
        #expect(try scratch.read("log").contains("NOPERM"))
        #expect(try redis.command(["XLEN", normal]).integer == 0)
        #expect(try leftovers(tenant.database()).isEmpty)
        #expect(pool.isRunning)
    }

    /// Of `run`, for a sink whose certificates stand in `sink`.
    private static func trust(_ scratch: Scratch) -> [String] {
        ["--ca-file", scratch.file("sink/ca.pem"), "--allow-address", "127.0.0.0/8"]
    }

    @Test func `workers that cannot deliver to the sink are told by one try, with the mend`() throws
    {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        let authority = scratch.file("sink/ca.pem")
        let allowed = ["--allow-address", "127.0.0.0/8"]
        let elsewhere = ["--audience-relation", "public.elsewhere"]
        try tenant.database().query(
            "create table elsewhere (audience text, inbox text, shared_inbox text)")
        for (flags, record, mend) in [
            (
                ["--ca-file", authority], "(forbidden-address: ",
                "it must be allowed to: `trunkline run --allow-address 127.0.0.0/8 "
            ),
            (allowed, "(certificate-invalid: ", "\(authority) > trusted.pem`"),
            (
                Self.trust(scratch) + elsewhere, "do not read audiences",
                "without --audience-relation"
            ),
        ] {
            let pool = try pool(of: tenant, in: scratch, flags)
            let done = try bench(
                ["--scenario", SmallScenario.path, "--sink-state", scratch.file("sink")]
                    + tenant.flags, in: scratch)
            #expect(done.code == 1)
            #expect(done.output.isEmpty)
            #expect(done.errors.contains(record), "\(done.errors)")
            #expect(done.errors.contains(mend), "\(done.errors)")
            #expect(try leftovers(tenant.database()).isEmpty)
            #expect(pool.isRunning)
            // Before the next one's workers are counted.
            #expect(pool.stop() == .exited(0))
            try FileManager.default.removeItem(atPath: scratch.file("run.log"))
        }
    }

    @Test func `metrics that are not those of its pools are refused`() throws {
        let (tenant, scratch) = (try Pool.required.tenant(), try Scratch())
        _ = try withoutWorkers(tenant, in: scratch)
        let pool = try pool(of: tenant, in: scratch, [])
        let page = try pool.metrics
        for (metrics, sentence) in [
            (["http://127.0.0.1:1"], "--metrics http://127.0.0.1:1/metrics: connecting to"),
            ([page, page], "has 4 workers that deliver, the installation 2"),
            ([page.replacing("/metrics", with: "/healthz")], "has no `trunkline_workers`"),
        ] {
            let done = try bench(
                ["--scenario", SmallScenario.path, "--sink-state", scratch.file("sink")]
                    + metrics.flatMap { ["--metrics", $0] } + tenant.flags, in: scratch)
            #expect(done.code == 1)
            #expect(done.errors.contains(sentence), "\(done.errors)")
        }
    }

    @Test(arguments: [
        ("--workers 2", "--workers is for workers that bench starts, and --redis names"),
        ("--slots 9", "--slots is for workers that bench starts"),
        ("--crypto-mb off", "--crypto-mb is for workers that bench starts"),
        ("--embedded", "--embedded brings its own servers: leave out --redis"),
        ("", "Say it with --sink-state DIR"),
        ("--sink-port 65536", "0 to 65535, not 65536"),
        ("--metrics https://h:1", "The value 'https://h:1' is invalid"),
    ])
    func `what does not go with an installation is refused by name`(
        flags: String, sentence: String
    ) throws {
        let done = try bench(
            ["--scenario", SmallScenario.path, "--redis", "redis://127.0.0.1:1", "--database", "x"]
                + flags.split(separator: " ").map(String.init), in: Scratch())
        #expect(done.code == 2)
        #expect(done.errors.contains(sentence), "\(done.errors)")
    }

    @Test func `what names an installation is said, wherever it was`() throws {
        let scratch = try Scratch()
        let file = try scratch.write("redis = redis://127.0.0.1:1", to: "trunkline.conf")
        for (flags, environment, origin) in [
            (["--config", file], [:], "--config names an installation"),
            ([], ["TRUNKLINE_REDIS_URL": "redis://h"], "TRUNKLINE_REDIS_URL names an"),
            ([], ["TRUNKLINE_STATE_DIRECTORY": "/d"], "TRUNKLINE_STATE_DIRECTORY names an"),
        ] as [([String], [String: String], String)] {
            let done = try bench(
                ["--scenario", SmallScenario.path, "--workers", "2"] + flags, in: scratch,
                environment: environment)
            #expect(done.code == 2)
            #expect(done.errors.contains(origin), "\(done.errors)")
        }
        for flag in ["--sink-state d", "--sink-port 0", "--metrics http://127.0.0.1:9464"] {
            let done = try bench(
                ["--scenario", SmallScenario.path] + flag.split(separator: " ").map(String.init),
                in: scratch)
            #expect(done.code == 2)
            #expect(done.errors.contains("goes with an installation that runs"), "\(done.errors)")
        }
        let half = try bench(
            [
                "--scenario", SmallScenario.path, "--redis", "redis://127.0.0.1:1", "--sink-state",
                "d",
            ],
            in: scratch)
        #expect(half.code == 2)
        #expect(half.errors.contains("where is PostgreSQL?"))
    }
}
