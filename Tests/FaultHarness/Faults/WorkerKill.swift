import Glibc

extension Fault {
    /// SIGKILL of one worker after the other, each while the pool is at work.
    static let workerKill = Fault(
        name: "worker-kill", what: "worker SIGKILL, again and again",
        setting: Setting(workers: 3),
        // In flight, and one flush.
        bound: { $0.strokes * $0.inHandOfWorker },
        resendLimit: .seconds(5), shortResendLimit: .seconds(20)
    ) { trial in
        let end = ContinuousClock.now + (trial.isShort ? .seconds(25) : .seconds(1_200))
        let most = if case .long(let kills) = trial.length { kills } else { Int.max }
        var duplicates = try trial.duplicates()
        var worst = 0
        while trial.strokes < most, .now < end {
            try trial.awaitDeliveries(200)
            try trial.killOneWorker()
            let now = try trial.duplicates()
            worst = max(worst, now - duplicates)
            duplicates = now
            if trial.strokes % 50 == 0 {
                try trial.nextRound()
                duplicates = 0
            }
        }
        try trial.awaitDeliveries(200)
        worst = max(worst, try trial.duplicates() - duplicates)
        trial.expect(
            worst <= trial.inHandOfWorker,
            "one kill made \(worst) duplicates, allowed are \(trial.inHandOfWorker)")
        trial.remarks.append("\(trial.strokes) kills, at most \(worst) duplicates of one")
    }
}

extension Trial {
    /// Kills the worker that has lived longest of those with partitions; returns when they have
    /// another owner.
    fileprivate func killOneWorker() throws {
        let pool = pools[0]
        var victim: (incarnation: String, pid: Int32)?
        var theirs: Set<Int> = []
        try Poll.until("all partitions have an owner", within: .seconds(30)) {
            let leases = try pool.leaseHolders()
            let workers = try pool.workers()
            let owners = Set(leases.values)
            guard leases.count == 64, workers.count > 1 else { return false }
            victim = workers.filter { owners.contains($0.key) }.min { $0.value < $1.value }
                .map { ($0.key, $0.value) }
            theirs = Set(leases.filter { $0.value == victim?.incarnation }.keys)
            return !theirs.isEmpty
        }
        guard let victim else { return }
        let at = wallMilliseconds()
        kill(victim.pid, SIGKILL)
        try struck(at: at, partitions: theirs, of: [victim.incarnation])
    }
}
