import DeliveryCore
import Foundation
import PostgresStore
import RedisQueue
import Supervision
import Testing

/// `trunkline doctor`: one line per check, the mend beside what is wrong, 1 when there is a problem.
@Suite(.pool) struct DoctorTests {
    /// What every healthy pool shows, in this order.
    private static let subjects = [
        "redis", "redis role", "eviction policy", "persistence", "memory", "stream nodes",
        "workers", "intake", "rejected", "streams", "postgresql", "durability", "schema",
        "partitions", "signing keys", "parked", "quarantine", "controls", "hosts", "redis data",
        "certificates", "descriptors", "signatures",
        "redis clock", "postgresql clock",
    ]

    @Test func `a healthy pool has no problem`() throws {
        let report = try DoctorReport(try Pool.required.tenant().run("doctor", "--json"))
        #expect(report.code == 0)
        #expect(report.findings.map(\.subject) == Self.subjects)
        #expect(report.findings.allSatisfy { $0.grade != "problem" })
        // The embedded Redis is set up as we advise.
        for subject in ["persistence", "stream nodes", "schema", "partitions", "redis clock"] {
            #expect(report[subject]?.grade == "ok")
            #expect(report[subject]?.mend == nil)
        }
    }

    @Test func `people get a line for each check and a count`() throws {
        let result = try Pool.required.tenant().run("doctor")
        #expect(result.code == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == Self.subjects.count + 1)
        for (line, subject) in zip(lines, Self.subjects) {
            #expect(line.dropFirst(9).hasPrefix(subject))
        }
        #expect(lines.last?.hasPrefix("no problems, ") == true)
    }

    @Test(arguments: ["{intake}:fast", "intake:normal"])
    func `a stream that nobody reads is told`(name: String) throws {
        let tenant = try Pool.required.tenant()
        let stream = tenant.keyPrefix + name
        _ = try tenant.redis().command(["XADD", stream, "*", "activity", "{}"])
        let report = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(report.code == 1 && report["streams"]?.grade == "problem")
        #expect(report["streams"]?.message.contains(stream) == true)
        #expect(report["streams"]?.mend?.contains("\(tenant.keyPrefix){intake}:normal") == true)
    }

    @Test func `servers that are down are both told, with the mend`() throws {
        let result = try Trunkline.run([
            "doctor", "--json", "--redis", "redis://127.0.0.1:1", "--database",
            "host=/tmp/nowhere dbname=trunkline",
        ])
        let report = try DoctorReport(result)
        #expect(report.code == 1)
        #expect(report["redis"]?.grade == "problem")
        #expect(report["redis"]?.message.contains("Connection refused") == true)
        #expect(report["redis"]?.mend?.contains("systemctl start redis") == true)
        #expect(report["postgresql"]?.grade == "problem")
        #expect(report["postgresql"]?.mend?.contains("--database") == true)
        // The machine is looked at all the same.
        #expect(report["certificates"] != nil && report["descriptors"] != nil)
    }

    @Test func `a pool that does not run is told how to start`() throws {
        let result = try Trunkline.run(["doctor", "--json", "--state-directory", "/tmp/nowhere"])
        let report = try DoctorReport(result)
        #expect(report["redis"]?.mend?.contains("trunkline run --embedded") == true)
        #expect(report["postgresql"]?.mend?.contains("trunkline run --embedded") == true)
    }

    @Test func `the state directory of a running pool is enough`() throws {
        let pool = try Pool.required
        let result = try Trunkline.run(
            ["doctor", "--json"], environment: ["TRUNKLINE_STATE_DIRECTORY": pool.stateDirectory])
        let report = try DoctorReport(result)
        #expect(report["redis"]?.grade == "ok")
        #expect(report["postgresql"]?.grade == "ok")
    }

    @Test func `a database without our schema is sent to migrate`() throws {
        let pool = try Pool.required
        let result = try Trunkline.run([
            "doctor", "--json", "--redis", pool.redisURL, "--database", pool.connectionString,
        ])
        let report = try DoctorReport(result)
        #expect(report.code == 1)
        #expect(report["schema"]?.grade == "problem")
        #expect(report["schema"]?.mend?.contains("trunkline migrate") == true)
    }

    @Test(arguments: [
        ("insert into trunkline.migration (number, name) values (1000000, 'later')", "newer"),
        ("delete from trunkline.migration where number > 1", "trunkline migrate"),
    ])
    func `a schema of another version is a problem`(change: String, mend: String) throws {
        let tenant = try Pool.required.tenant()
        try tenant.database().query(change)
        let report = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(report.code == 1)
        #expect(report["schema"]?.grade == "problem")
        #expect(report["schema"]?.mend?.contains(mend) == true)
        // The tables of another version are not looked at.
        #expect(report["partitions"] == nil)
    }

    @Test func `a missing partition of today is a problem, of tomorrow a warning`() throws {
        let tenant = try Pool.required.tenant()
        let database = try tenant.database()
        func drop(daysAhead: Int) throws {
            let table = try database.query(
                """
                select to_char((now() at time zone 'UTC')::date + $1::int, '"outcome_"YYYY_MM_DD')
                """, [String(daysAhead)])[0][0]
            try database.query("drop table trunkline.\(try #require(table))")
        }
        try drop(daysAhead: 1)
        let tomorrow = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(tomorrow.code == 0)
        #expect(tomorrow["partitions"]?.grade == "warning")
        try drop(daysAhead: 0)
        let today = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(today.code == 1)
        #expect(today["partitions"]?.grade == "problem")
    }

    @Test func `a Redis that evicts is a problem, one without persistence a warning`() throws {
        let scratch = try Scratch()
        let redis = try EmbeddedRedis(
            directory: scratch.path,
            configuration: [
                "maxmemory-policy allkeys-lru", "appendonly no", "stream-node-max-bytes 4096",
            ])
        defer { redis.stop() }
        var tenant = try Pool.required.tenant()
        tenant.redisURL = redis.url
        let report = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(report.code == 1)
        #expect(report["eviction policy"]?.grade == "problem")
        #expect(report["eviction policy"]?.message.contains("allkeys-lru") == true)
        #expect(report["eviction policy"]?.mend?.contains("noeviction") == true)
        #expect(report["persistence"]?.grade == "warning")
        #expect(report["stream nodes"]?.grade == "warning")
        #expect(report["stream nodes"]?.mend?.contains("stream-node-max-bytes 1024") == true)
    }

    @Test func `a Redis that wants a password, or is nearly full, is told`() throws {
        let scratch = try Scratch()
        let redis = try EmbeddedRedis(directory: scratch.path)
        defer { redis.stop() }
        var tenant = try Pool.required.tenant()
        tenant.redisURL = redis.url
        let client = try tenant.redis()
        try client.command(["CONFIG", "SET", "maxmemory", "1mb"])
        try client.command(["CONFIG", "SET", "requirepass", "secret"])
        let locked = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(locked["redis"]?.mend?.contains("PASSWORD") == true)
        tenant.redisURL = "redis+unix://:wrong@\(redis.socketPath)"
        let wrong = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(wrong["redis"]?.mend == "correct user and password in the URL")
        tenant.redisURL = "redis+unix://:secret@\(redis.socketPath)"
        let full = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(full["redis"]?.grade == "ok")
        #expect(full["memory"]?.grade == "problem")
    }

    @Test func `entries that nobody takes are a problem`() throws {
        let tenant = try Pool.required.tenant()
        let redis = try tenant.redis()
        _ = try redis.enqueue(.urgent, fields: [("activity", Array("{}".utf8))])
        let idle = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(idle.code == 1)
        #expect(idle["intake"]?.grade == "problem")
        #expect(idle["workers"]?.grade == "warning")
        let now = try #require(redis.command(["TIME"]).array?.first?.text) + "000"
        try redis.command(["ZADD", redis.keys.workers, now, "machine.0.abc"])
        let alive = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(alive.code == 0)
        #expect(alive["intake"]?.message == "urgent 1, normal 0, bulk 0")
        #expect(alive["workers"]?.message == "1 alive")
    }

    @Test func `what was rejected, parked and paused is told`() throws {
        let tenant = try Pool.required.tenant()
        let redis = try tenant.redis()
        try redis.command([
            "XADD", redis.keys.rejected, "*", "code", "not-json", "reason", "\"to\" is not JSON",
        ])
        let database = try tenant.database()
        try database.query(
            """
            insert into trunkline.parked (activity, reason, key_id)
            values (1, 'missing', 'https://a.example/k')
            """)
        try database.query(
            """
            insert into trunkline.control (kind, host, actor, reason)
            values ('pause', 'slow.example', 'ann', 'they asked')
            """)
        let report = try DoctorReport(tenant.run("doctor", "--json"))
        #expect(
            report["rejected"]?.message
                == "1 entry was refused, the newest because of \"to\" is not JSON")
        #expect(report["parked"]?.grade == "problem")
        #expect(report["parked"]?.message.contains("https://a.example/k") == true)
        #expect(report["controls"]?.message == "slow.example is paused by ann: they asked")
    }

    @Test func `certificates that are missing or none are a problem`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        let empty = try scratch.write("no certificate\n", to: "ca.pem")
        for file in [empty, scratch.file("nowhere.pem")] {
            let report = try DoctorReport(tenant.run("doctor", "--json", "--ca-file", file))
            #expect(report.code == 1)
            #expect(report["certificates"]?.grade == "problem")
            #expect(report["certificates"]?.message.contains(file) == true)
        }
    }

    @Test func `a key directory is looked at, and replaces the keys in PostgreSQL`() throws {
        let tenant = try Pool.required.tenant()
        let scratch = try Scratch()
        func look(_ path: String) throws -> (DoctorReport, DoctorReport.Finding) {
            let report = try DoctorReport(tenant.run("doctor", "--json", "--key-directory", path))
            return (report, try #require(report["key directory"]))
        }
        #expect(
            try DoctorReport(tenant.run("doctor", "--json"))["signing keys"]?.grade == "warning")

        let (missing, nowhere) = try look(scratch.file("nowhere"))
        #expect(missing.code == 1 && nowhere.mend == "correct --key-directory")
        let (empty, none) = try look(scratch.path)
        #expect(empty.code == 0 && none.grade == "warning")
        #expect(empty["signing keys"]?.grade == "ok")

        let key = "https://our.example/users/a#main-key"
        let proper = "https%3A%2F%2Four.example%2Fusers%2Fa%23main-key.pem"
        try scratch.write("nonsense", to: proper)
        let (garbage, bad) = try look(scratch.path)
        #expect(garbage.code == 1 && bad.message.contains("\(proper): no PEM block was found"))

        let made = try tenant.run("keys", "add", "--key-id", key, "--generate", "rsa")
        #expect(made.code == 0)
        let pem = try tenant.database().query("select pem from trunkline.signing_key")[0][0] ?? ""
        try scratch.write(pem, to: proper)
        #expect(try look(scratch.path).1.message == "1 key in \(scratch.path)")

        try scratch.write(pem, to: proper.replacingOccurrences(of: "%3A", with: ":"))
        let (_, misnamed) = try look(scratch.path)
        #expect(misnamed.grade == "warning" && misnamed.mend == "name it \(proper)")

        let config = try scratch.write("key-directory = /nowhere\n", to: "conf")
        let report = try DoctorReport(tenant.run("doctor", "--json", "--config", config))
        #expect(report["key directory"]?.message.contains("/nowhere") == true)
    }

    @Test func `what is of this shell and of these options says so`() throws {
        let report = try DoctorReport(Pool.required.tenant().run("doctor", "--json"))
        #expect(report["descriptors"]?.message.contains("this shell") == true)
        #expect(report["certificates"]?.message.contains("without --ca-file here") == true)
    }

    @Test(arguments: [
        (
            "hots=x", "the connection string of PostgreSQL is wrong: invalid connection option",
            "host=/run"
        ),
        (
            "host=/x dbname", "the connection string of PostgreSQL is wrong: missing \"=\"",
            "host=/run"
        ),
        ("DB=nosuch", "PostgreSQL refuses the connection: ", "createdb"),
        ("USER=nosuch", "PostgreSQL refuses the connection: ", "correct"),
        ("host=nosuch.invalid dbname=x", "PostgreSQL's host is not found: ", "correct `host`"),
        ("host=/nowhere dbname=x", "PostgreSQL is away: ", nil),
    ])
    func `a connection that is refused is not called away, whatever the command`(
        text: String, words: String, mend: String?
    ) throws {
        let tenant = try Pool.required.tenant()
        let own = tenant.connectionString
        let database =
            switch text {
            case "DB=nosuch": "\(own) dbname=nosuch"
            case "USER=nosuch": "\(own) user=nosuch"
            default: text
            }
        let servers = ["--database", database, "--redis", tenant.redisURL]
        let report = try DoctorReport(Trunkline.run(["doctor", "--json"] + servers))
        let finding = try #require(report["postgresql"])
        #expect(finding.grade == "problem" && finding.message.contains(words), "\(finding)")
        #expect(finding.mend?.contains(mend ?? "systemctl start") == true, "\(finding)")
        for command in ["hosts", "migrate", "run --instance-domain our.example --admin off"] {
            let arguments = command.split(separator: " ").map(String.init)
            let result = try Trunkline.run(
                arguments + (command == "migrate" ? Array(servers.prefix(2)) : servers))
            #expect(result.code == 1)
            #expect(result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.contains(mend ?? "trunkline doctor"), "\(result.errors)")
        }
    }

    @Test(arguments: [true, false])
    func `a role without the rights is told which to grant`(ownerIsSuperuser: Bool) throws {
        let tenant = try Pool.required.tenant()
        let number = UInt32.random(in: 0 ... .max)
        let (role, owner) = ("worker\(number)", "owner\(number)")
        let database = try tenant.database()
        try database.run(script: "create role \(role); create role \(owner)")
        defer {
            _ = try? database.run(
                script: """
                    reassign owned by \(owner) to current_user;
                    drop role \(owner); drop role \(role)
                    """)
        }
        if !ownerIsSuperuser {
            try database.query("alter schema trunkline owner to \(owner)")
        }
        let result = try Trunkline.run([
            "doctor", "--json", "--redis", tenant.redisURL, "--database",
            "\(tenant.connectionString) options='-c role=\(role)'",
        ])
        let problem = try #require(
            DoctorReport(result).findings.first {
                $0.grade == "problem" && $0.subject == "postgresql"
            })
        #expect(problem.message.contains("permission denied"))
        let mend = ownerIsSuperuser ? "make \(role) the owner" : "`GRANT \(owner) TO \(role)`"
        #expect(problem.mend?.contains(mend) == true, "\(problem)")
    }
}

struct DoctorReport {
    struct Finding {
        var subject: String
        var grade: String
        var message: String
        var mend: String?
    }

    var code: Int32
    var findings: [Finding]

    init(_ result: Trunkline.Result) throws {
        code = result.code
        let json = try result.json()
        findings = try #require(json["findings"] as? [[String: Any]]).map {
            Finding(
                subject: $0["subject"] as? String ?? "", grade: $0["grade"] as? String ?? "",
                message: $0["message"] as? String ?? "", mend: $0["mend"] as? String)
        }
        let isHealthy = findings.allSatisfy { $0.grade != "problem" }
        #expect(json["healthy"] as? Bool == isHealthy)
        #expect((code == 0) == isHealthy)
    }

    subscript(subject: String) -> Finding? { findings.first { $0.subject == subject } }
}
