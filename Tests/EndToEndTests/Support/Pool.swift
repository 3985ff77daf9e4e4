import DeliveryCore
import Foundation
import PostgresStore
import RedisQueue
import Supervision
import Testing

/// `trunkline run`: a supervisor with its workers, Redis and PostgreSQL.
final class Pool: Sendable {
    let services: Services
    let process: ChildProcess
    let log: String

    /// Where Redis and PostgreSQL are.
    enum Services: Sendable {
        case embedded(directory: String)
        case external(redis: String, database: String)
    }

    /// Returns when it says `ready`.
    init(
        _ services: Services, delivering sink: SinkProcess, in scratch: Scratch,
        workers: Int = 2, flags: [String] = []
    ) throws {
        self.services = services
        log = scratch.file("pool-\(UUID().uuidString.prefix(8)).log")
        var arguments = ["run", "--workers", "\(workers)", "--instance-domain", "our.example"]
        if case .embedded = services { arguments.append("--embedded") }
        arguments +=
            services.flags + [
                "--ca-file", sink.certificateAuthority, "--allow-address", "127.0.0.0/8",
                "--admin", "off",
            ]
        process = try ChildProcess(
            Command(
                path: Program.trunkline, arguments: arguments + flags, output: .appended(to: log)))
        try Poll.until("the pool is ready: \(contents(of: log))", within: .seconds(60)) {
            contents(of: log).split(separator: "\n").contains("ready")
        }
    }

    deinit {
        // Of a failed test, too: a killed supervisor would leave its servers behind.
        process.terminate(grace: .seconds(60))
    }

    /// SIGTERM, and what came of it.
    @discardableResult
    func drain() -> ProcessExit { process.terminate(grace: .seconds(60)) }

    /// Drains it, and complains of an exit code, and of any worker that ended by its own fault.
    func expectCleanEnd(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(drain() == .exited(0), sourceLocation: sourceLocation)
        #expect(faults.isEmpty, sourceLocation: sourceLocation)
    }

    /// What the log says of crashes; a test's own SIGKILL is none.
    var faults: [Substring] {
        contents(of: log).split(separator: "\n").filter {
            ($0.contains("was killed by signal") && !$0.contains("signal 9"))
                || $0.contains("Fatal error") || $0.contains("Assertion")
        }
    }

    /// A command of the same binary, with this pool's connection.
    @discardableResult
    func trunkline(_ arguments: [String]) throws -> String {
        try Program.run(Program.trunkline, arguments + services.flags)
    }

    /// Process numbers of its workers by incarnation, out of /proc.
    func workers() throws -> [String: Int32] {
        var found: [String: Int32] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let pid = Int32(name) else { continue }
            // The fields after the name in brackets: state, parent.
            let fields = contents(of: "/proc/\(pid)/stat").split(separator: ")").last?
                .split(separator: " ")
            guard let fields, fields.count > 1, Int32(fields[1]) == process.pid else { continue }
            let arguments = contents(of: "/proc/\(pid)/cmdline").split(separator: "\0")
            guard arguments.dropFirst().first == "worker",
                let flag = arguments.firstIndex(of: "--incarnation"), flag + 1 < arguments.count
            else { continue }
            found[String(arguments[flag + 1])] = pid
        }
        return found
    }
}

extension Pool.Services {
    var flags: [String] {
        switch self {
        case .embedded(let directory): ["--state-directory", directory]
        case .external(let redis, let database): ["--redis", redis, "--database", database]
        }
    }

    fileprivate var redisURL: String {
        switch self {
        case .embedded(let directory): "redis+unix://\(directory)/redis.sock"
        case .external(let redis, _): redis
        }
    }

    fileprivate var connectionString: String {
        switch self {
        case .embedded(let directory): "host=\(directory) dbname=trunkline"
        case .external(_, let database): database
        }
    }
}

// MARK: Redis

extension Pool {
    static let lanes = ["urgent", "normal", "bulk"]

    /// What any producer does: one XADD; answers the id of the entry.
    @discardableResult
    func enqueue(
        _ fields: [(String, String)], lane: String = "normal"
    ) throws -> String {
        try enqueue(fields.map { ($0, Array($1.utf8)) }, lane: lane)
    }

    @discardableResult
    func enqueue(_ fields: [(String, [UInt8])], lane: String = "normal") throws -> String {
        let words = ["XADD", "trunkline:{intake}:\(lane)", "*"].map { Array($0.utf8) }
        let reply = try redis().command(words + fields.flatMap { [Array($0.utf8), $1] })
        return try #require(reply.text)
    }

    func redis() throws -> RedisClient {
        try RedisClient(endpoint: RedisEndpoint(services.redisURL))
    }

    /// Entries of all intake lanes and all partition logs.
    func openEntries() throws -> Int {
        try sum(Self.lanes.map { "trunkline:{intake}:\($0)" }, command: "XLEN")
            + sum((0..<64).map { "trunkline:{p\($0)}:log" }, command: "XLEN")
    }

    /// Deliveries that wait for a time of their own.
    func laterEntries() throws -> Int {
        try sum((0..<64).map { "trunkline:{p\($0)}:later" }, command: "ZCARD")
    }

    /// The incarnation that holds each partition.
    func leaseHolders() throws -> [Int: String] {
        let client = try redis()
        var holders: [Int: String] = [:]
        for partition in 0..<64 {
            let lease = try client.command(["GET", "trunkline:{p\(partition)}:lease"]).text
            holders[partition] = lease?.split(separator: " ").first.map(String.init)
        }
        return holders
    }

    /// Entries set aside as malformed: their ids, codes and sentences.
    func rejected() throws -> [(id: String, code: String, reason: String)] {
        let reply = try redis().command(["XRANGE", "trunkline:{intake}:rejected", "-", "+"])
        return (reply.array ?? []).map { entry in
            let values = (entry.array?.last?.array ?? []).map { $0.text ?? "" }
            let value = { (name: String) in
                values.firstIndex(of: name).map { values[$0 + 1] } ?? ""
            }
            return (value("id"), value("code"), value("reason"))
        }
    }

    private func sum(_ keys: [String], command: String) throws -> Int {
        let client = try redis()
        return try keys.reduce(0) { sum, key in
            sum + Int(try client.command([command, key]).integer ?? 0)
        }
    }
}

// MARK: PostgreSQL

extension Pool {
    @discardableResult
    func query(_ sql: String, _ parameters: [String?] = []) throws -> [[String?]] {
        try Database(connectionString: services.connectionString).query(sql, parameters)
    }

    /// Rows of the view per state, of the activities of these deliveries.
    func states(of deliveries: Set<Pair>) throws -> [String: Int] {
        let activities = Set(deliveries.map(\.activity)).map { "\"\($0)\"" }
        let rows = try query(
            """
            select state, count(*) from trunkline.delivery where activity = any ($1) group by 1
            """, ["{" + activities.joined(separator: ",") + "}"])
        return Dictionary(
            uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1].flatMap { Int($0) } ?? 0) })
    }

    /// The view's row of one delivery.
    func delivery(_ pair: Pair) throws -> Delivery? {
        let rows = try query(
            """
            select state, attempts, last_status, last_error from trunkline.delivery
            where activity = $1 and inbox = $2
            """, [pair.activity, pair.inbox])
        return rows.first.map {
            Delivery(
                state: $0[0] ?? "", attempts: $0[1].flatMap { Int($0) } ?? 0,
                lastStatus: $0[2].flatMap { Int($0) }, lastError: $0[3])
        }
    }

    struct Delivery: Equatable {
        var state: String
        var attempts: Int
        var lastStatus: Int?
        var lastError: String?
    }
}
