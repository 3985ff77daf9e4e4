import Glibc
import Supervision

extension Fault {
    /// SIGKILL of a supervisor: its workers read the end of their lifeline, and drain.
    static let supervisorKill = Fault(
        name: "supervisor-kill", what: "supervisor SIGKILL, workers drain",
        setting: Setting(pools: 2, workers: 1),
        bound: { _ in 0 },
        resendLimit: .seconds(20)
    ) { trial in
        for _ in 0..<trial.repetitions {
            let victim = trial.pools[0]
            try trial.startAndSpread()
            let (pids, theirs) = try trial.whatIsOwned(by: victim)
            let at = wallMilliseconds()
            victim.process.send(signal: SIGKILL)
            trial.forget(victim)
            try trial.struck(at: at, partitions: theirs, of: Set(pids.keys))
            try Poll.until("its workers have ended", within: .seconds(60)) {
                pids.values.allSatisfy { kill($0, 0) != 0 }
            }
            if !trial.isShort { try trial.startPool() }
        }
    }

    /// SIGTERM to one pool after the other, a new one in its place.
    static let rollingRestart = Fault(
        name: "rolling-restart", what: "SIGTERM, pool after pool",
        setting: Setting(pools: 2, workers: 1),
        bound: { _ in 0 },
        resendLimit: .seconds(20)
    ) { trial in
        for _ in 0..<trial.repetitions {
            for pool in trial.pools {
                try trial.startAndSpread()
                let (workers, theirs) = try trial.whatIsOwned(by: pool)
                let at = wallMilliseconds()
                try trial.expectCleanEnd(of: pool)
                try trial.struck(at: at, partitions: theirs, of: Set(workers.keys))
                try trial.startPool()
            }
        }
    }
}

extension Trial {
    /// Until every worker owns partitions, and deliveries flow.
    fileprivate func startAndSpread() throws {
        try awaitBalance()
        try awaitDeliveries(300)
    }

    func whatIsOwned(by pool: Pool) throws -> (workers: [String: Int32], partitions: Set<Int>) {
        let workers = try pool.workers()
        let theirs = try pool.leaseHolders().filter { workers[$0.value] != nil }
        return (workers, Set(theirs.keys))
    }

    /// Until the living workers of all pools share the partitions, none with two more than another.
    func awaitBalance(within limit: Duration = .seconds(40)) throws {
        var shares: [String: Int] = [:]
        try Poll.until("partitions are balanced: \(shares)", within: limit) {
            shares = Dictionary(
                grouping: try pools[0].leaseHolders().values, by: { $0 }
            ).mapValues(\.count)
            let workers = Set(try pools.flatMap { try $0.workers().keys })
            return Set(shares.keys) == workers && shares.values.reduce(0, +) == 64
                && (shares.values.max() ?? 0) - (shares.values.min() ?? 0) <= 1
        }
    }
}
