import Supervision

/// What a fault does, and waits for.
extension Trial {
    var services: Pool.Services {
        machines?.services
            ?? .external(
                redis: redisServers.url, database: postgresServers.connectionString)
    }

    var isShort: Bool { length.isShort }
    /// How often a fault of a moment is repeated.
    var repetitions: Int { isShort ? 1 : 10 }

    /// In flight, and one flush.
    var inHandOfWorker: Int { fault.setting.slots + 500 }
    var inHandOfPool: Int { fault.setting.workers * inHandOfWorker }
    /// Results that wait in memory while they cannot be recorded.
    var unsettledOfWorker: Int { 10_000 }

    /// Takes the network from a machine, or gives it back.
    func cut(_ machine: Int, from isCut: Bool) throws {
        try machines?.connect(machine, !isCut)
    }

    @discardableResult
    func startPool() throws -> Pool {
        let pool = try Pool(
            services, delivering: sinks[0], in: scratch, workers: fault.setting.workers,
            flags: ["--slots", "\(fault.setting.slots)"],
            namespace: machines?.namespace(machinesTaken))
        machinesTaken += 1
        pools.append(pool)
        return pool
    }

    /// No longer one of those that must end well.
    func forget(_ pool: Pool) { pools.removeAll { $0 === pool } }

    func expectCleanEnd(of pool: Pool) throws {
        let exit = pool.drain()
        expect(exit == .exited(0), "a pool \(exit)")
        expect(pool.faults.isEmpty, "in a pool's log: \(pool.faults.first ?? "")")
        forget(pool)
    }

    func expect(_ condition: Bool, _ complaint: @autoclosure () -> String) {
        if !condition { complaints.append(complaint()) }
    }

    /// It happened at this time to all partitions; what is taken from then on is a resend.
    func struck(at time: Milliseconds) {
        strokes += 1
        takeovers.append(Takeover(at: time, owned: nil))
    }

    /// It happened at this time to all partitions, and was over at that time: what is taken from then
    /// on is a resend.
    func struck(at time: Milliseconds, overAt end: Milliseconds) {
        strokes += 1
        let owned = Dictionary(uniqueKeysWithValues: (0..<64).map { ($0, end) })
        takeovers.append(Takeover(at: time, owned: owned))
    }

    /// It happened at this time to these partitions of these workers: returns when all of them have
    /// an owner who is none of those.
    func struck(
        at time: Milliseconds, partitions: Set<Int>, of workers: Set<String>,
        within limit: Duration = .seconds(40)
    ) throws {
        strokes += 1
        var owned: [Int: Milliseconds] = [:]
        try Poll.until("others own what they owned", within: limit) {
            let now = try pools[0].leaseHolders()
            for (partition, owner) in now where partitions.contains(partition) {
                if !workers.contains(owner), owned[partition] == nil {
                    owned[partition] = wallMilliseconds()
                }
            }
            return owned.count == partitions.count
        }
        takeovers.append(Takeover(at: time, owned: owned))
    }

    /// Different deliveries that the sink has taken in this round.
    func taken() throws -> Int { try sinks.reduce(0) { $0 + (try $1.taken()) } }

    /// Acceptances beyond the first, at one sink, in this round.
    func duplicates() throws -> Int { try sinks[0].report().duplicates }

    /// Until so many more were taken than now.
    func awaitDeliveries(_ count: Int, within limit: Duration = .seconds(60)) throws {
        let goal = try taken() + count
        try Poll.until("\(count) more deliveries", within: limit) { try taken() >= goal }
    }

    /// The fault's own length.
    func last(_ length: Duration) throws {
        let end = ContinuousClock.now + length
        try Poll.until("it has lasted", within: length + .seconds(60)) { .now >= end }
    }

    /// How often Redis refused the producer, or was away.
    var refusals: Int { producer?.refusals ?? 0 }

    func fillDisk() throws { try mount?.fill() }
    func emptyDisk() { mount?.empty() }
}
