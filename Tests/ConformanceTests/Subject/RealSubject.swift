import DeliveryCore
import EventLoop
import Foundation
import Logging
import PostgresStore
import RedisQueue
import Testing
import Transport

@testable import WorkerRuntime

/// Two workers' own adapters, loops and `perform`, on a real Redis and a real PostgreSQL; what they
/// report is taken away before a machine hears of it.
final class RealSubject: Subject {
    var mailbox: [Event] = []
    /// Each is made when it is first asked for something.
    private var workers: [Hand: WorkerProcess] = [:]
    private let endpoint: RedisEndpoint
    private let database: String
    private let redis: RedisClient
    private let keys: QueueKeys

    var wall: WallTime { EventLoop.wallTime }

    init(redis url: KeyPath<Servers, String>) throws {
        let servers = try #require(Servers.running)
        database = try servers.makeDatabase()
        keys = QueueKeys(prefix: "conformance-\(UInt32.random(in: 0 ... .max)):")
        endpoint = try RedisEndpoint(servers[keyPath: url])
        redis = try RedisClient(endpoint: endpoint, keys: keys)
    }

    deinit {
        loseRedis()
        losePostgres()
    }

    private func makeWorker(_ hand: Hand) throws -> WorkerProcess {
        let options = WorkerOptions(
            incarnation: hand.name, redis: endpoint, database: database, keyPrefix: keys.prefix,
            keyDirectory: nil,
            transport: TransportConfiguration(instanceDomain: "our.example", version: "0"),
            allowsPlainHTTP: false, audienceRelation: "trunkline.follower")
        let log = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
        let worker = try WorkerProcess(options, board: nil, log: log)
        worker.connect()
        let start = ContinuousClock.now
        var isUp = (redis: false, postgres: false)
        while !isUp.redis || !isUp.postgres {
            guard start.duration(to: .now) < .seconds(20) else { throw Overdue() }
            worker.loop.turn(waitingAtMost: .milliseconds(20))
            for event in worker.takeEvents() {
                if case .redisConnected = event { isUp.redis = true }
                if case .postgresConnected = event { isUp.postgres = true }
            }
        }
        workers[hand] = worker
        return worker
    }

    func ask(_ action: Action, by hand: Hand) throws {
        let worker = try workers[hand] ?? makeWorker(hand)
        worker.perform(action)
    }

    func turn(since start: ContinuousClock.Instant) throws {
        guard start.duration(to: .now) < Self.patience else { throw Overdue() }
        for worker in workers.values {
            worker.loop.turn(waitingAtMost: .milliseconds(1))
            mailbox += worker.takeEvents().filter { !$0.isWeather }
        }
    }

    func produce(_ posting: Posting) throws {
        try redis.command(["XADD", keys.intake(posting.lane), "*"] + posting.fields)
    }

    // MARK: Time

    func elapse(_ time: Duration) throws {
        let milliseconds = time.wholeMilliseconds
        for number in 0..<Servers.partitionCount {
            try age(keys.lease(PartitionNumber(rawValue: number)), by: milliseconds)
        }
        for name in try list(["ZRANGE", keys.workers, "0", "-1"]).compactMap(\.text) {
            try redis.command(["ZINCRBY", keys.workers, "-\(milliseconds)", name])
        }
        for lane in Lane.intake { try agePending(keys.intake(lane), by: milliseconds) }
        try Database(connectionString: database).query(
            "update trunkline.owing set since = since - make_interval(secs => $1::float8 / 1000)",
            ["\(milliseconds)"])
    }

    private func age(_ key: String, by milliseconds: Int64) throws {
        guard let left = try redis.command(["PTTL", key]).integer, left > 0 else { return }
        try redis.command(["PEXPIRE", key, "\(left - milliseconds)"])
    }

    private func agePending(_ stream: String, by milliseconds: Int64) throws {
        let pending = ["XPENDING", stream, QueueKeys.group, "-", "+", "1000"]
        for entry in try list(pending) {
            guard let parts = entry.array, let id = parts[0].text, let owner = parts[1].text,
                let idle = parts[2].integer
            else { throw Overdue() }
            try redis.command([
                "XCLAIM", stream, QueueKeys.group, owner, "0", id, "IDLE",
                "\(idle + milliseconds)", "JUSTID",
            ])
        }
    }

    private func list(_ words: [String]) throws -> [RedisReply] {
        try redis.command(words).array ?? []
    }

    // MARK: Outages

    func crash(with item: WorkItem) throws {
        let worker = Incarnation(rawValue: "\(UInt64.random(in: 0 ... .max))")
        try Database(connectionString: database)
            .noteCrash(of: item, stage: "sign", signal: "SIGSEGV", by: worker)
    }

    func flushRedis() throws {
        // By their names: KEYS asks one node of a Cluster.
        for number in 0..<Servers.partitionCount {
            let partition = PartitionNumber(rawValue: number)
            for host in try list(["HKEYS", keys.hosts(partition)]).compactMap(\.text) {
                try redis.command(["DEL", keys.heldPrefix(partition) + host])
            }
            for key in [keys.log, keys.later, keys.hosts, keys.lease, keys.mark] {
                try redis.command(["DEL", key(partition)])
            }
        }
        for key in Lane.intake.map(keys.intake) + [keys.workers, keys.control] {
            try redis.command(["DEL", key])
        }
    }

    /// All tests share one server: to the record it is as if it had been another one before.
    func replaceRedis() throws {
        let connection = try Database(connectionString: database)
        try connection.query("update trunkline.partition set redis_run_id = 'another'")
    }

    func park(_ activities: [ActivityID]) throws {
        let connection = try Database(connectionString: database)
        for id in activities {
            try connection.query(
                "insert into trunkline.parked (activity, reason, key_id) values ($1, 'key', 'k')",
                ["\(id.rawValue)"])
        }
    }

    func loseRedis() { for worker in workers.values { worker.queue.stop() } }

    func losePostgres() { for worker in workers.values { worker.store.close() } }
}
