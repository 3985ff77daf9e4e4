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
        let most = if case .long(let kills) = trial.length { kills } else { Int.max }
        try trial.killWorkers(within: trial.isShort ? .seconds(25) : .seconds(1_200), most: most)
    }

    /// The same where each partition may be on another node: what a killed worker has left is read
    /// there node by node.
    static let clusterWorkerKill = Fault(
        name: "cluster-worker-kill", what: "worker SIGKILL on a Cluster, again and again",
        setting: Setting(workers: 3, redis: .cluster(replicas: false)),
        bound: { $0.strokes * $0.inHandOfWorker },
        resendLimit: .seconds(5), shortResendLimit: .seconds(20)
    ) { trial in
        try trial.killWorkers(within: trial.isShort ? .seconds(15) : .seconds(180), most: Int.max)
    }
}

extension Trial {
    fileprivate func killWorkers(within time: Duration, most: Int) throws {
        let end = ContinuousClock.now + time
        var before = try duplicates()
        var worst = 0
        while strokes < most, .now < end {
            try awaitDeliveries(200)
            try killOneWorker()
            let now = try duplicates()
            worst = max(worst, now - before)
            before = now
            if strokes % 50 == 0 {
                try nextRound()
                before = 0
            }
        }
        try awaitDeliveries(200)
        worst = max(worst, try duplicates() - before)
        expect(
            worst <= inHandOfWorker,
            "one kill made \(worst) duplicates, allowed are \(inHandOfWorker)")
        remarks.append("\(strokes) kills, at most \(worst) duplicates of one")
    }

    /// Kills the worker that has lived longest of those with partitions; returns when they have
    /// another owner.
    private func killOneWorker() throws {
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
