import Glibc
import Supervision

extension Fault {
    /// SIGSTOP of a worker until others have taken over what it owned, then SIGCONT.
    static let workerFreeze = Fault(
        name: "worker-freeze", what: "worker SIGSTOP past its lease, SIGCONT",
        setting: Setting(workers: 2),
        bound: { $0.strokes * $0.inHandOfWorker },
        resendLimit: .seconds(20)
    ) { trial in
        for _ in 0..<(trial.isShort ? 1 : 5) { try trial.freezeOneWorker() }
    }
}

extension Trial {
    fileprivate func freezeOneWorker() throws {
        let pool = pools[0]
        try Poll.until("all partitions have an owner", within: .seconds(40)) {
            try pool.leases().count == 64
        }
        guard let (victim, pid) = try pool.workers().first else { return }
        let old = try pool.leases().filter { $0.value.hasPrefix("\(victim) ") }
        let at = wallMilliseconds()
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        try struck(at: at, partitions: Set(old.keys), of: [victim])
        try awaitDeliveries(500)

        let monitor = try RedisMonitor(
            of: redis.socketPath, log: scratch.file("monitor-\(strokes).log"))
        let epochs = try pool.query("select number, epoch from trunkline.partition")
        let thaw = try pool.query("select clock_timestamp()")[0][0]
        kill(pid, SIGCONT)
        try Poll.until("it has come back, or has a successor", within: .seconds(60)) {
            let now = try pool.leases()
            let workers = try pool.workers()
            let owners = Set(now.values.map { $0.prefix { $0 != " " } })
            return now.count == 64 && workers.count == fault.setting.workers
                && workers.keys.allSatisfy { owners.contains($0[...]) }
        }
        try awaitDeliveries(500)
        let writes = try monitor.writes(under: old)
        expect(writes.isEmpty, "\(writes.count) writes under lost leases: \(writes.first ?? "")")
        try expectNothingRecorded(by: victim, since: thaw, before: epochs)
        let returned = try pool.workers().keys.contains(victim)
        remarks.append(returned ? "it rejoined" : "it ended and has a successor")
    }

    /// Outcomes that it wrote after the thaw, under an epoch that another had ended.
    private func expectNothingRecorded(
        by victim: String, since thaw: String?, before epochs: [[String?]]
    ) throws {
        let list = { (column: Int) in
            "{" + epochs.map { $0[column] ?? "" }.joined(separator: ",") + "}"
        }
        let rows = try pools[0].query(
            """
            select count(*) from trunkline.outcome o
            join trunkline.inbox i on i.id = o.inbox_ids[1]
            join trunkline.host h on h.id = i.host
            join unnest($3::int[], $4::bigint[]) as now (number, epoch) on now.number = h.partition
            where o.worker = $1 and o.at > $2::timestamptz and o.epoch < now.epoch
            """, [victim, thaw, list(0), list(1)])
        expect(rows[0][0] == "0", "\(rows[0][0] ?? "?") outcomes under lost epochs")
    }
}

/// `redis-cli MONITOR`: every command, and below each script what it did.
final class RedisMonitor {
    private let process: ChildProcess
    private let log: String

    init(of socket: String, log: String) throws {
        self.log = log
        process = try ChildProcess(
            Command(
                path: "/usr/bin/redis-cli", arguments: ["-s", socket, "MONITOR"],
                output: .appended(to: log)))
        try Poll.until("it listens", within: .seconds(10)) { contents(of: log).contains("OK") }
    }

    /// Ends it; answers what scripts wrote that came with one of these leases of a partition.
    func writes(under leases: [Int: String]) throws -> [Substring] {
        process.terminate(grace: .seconds(5))
        var isTheirs = false
        var writes: [Substring] = []
        for line in contents(of: log).split(separator: "\n") {
            // 1700000000.000000 [0 lua] "GET" "..."; a script's own line comes before them.
            if line.contains("[0 lua]") {
                if isTheirs, !Self.reads.contains(where: { line.contains("\"\($0)\" ") }) {
                    writes.append(line.prefix(200))
                }
                continue
            }
            isTheirs = leases.contains { partition, lease in
                line.contains("{p\(partition)}:lease\"") && line.contains("\"\(lease)\"")
            }
        }
        return writes
    }

    private static let reads = ["GET", "get", "LINDEX", "ZRANGEBYSCORE", "TIME"]
}
