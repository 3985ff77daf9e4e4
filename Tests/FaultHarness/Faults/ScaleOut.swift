import Glibc
import Supervision

extension Fault {
    /// Two pools, then four, on machines of their own, that know nothing but two addresses. One
    /// machine dies, one loses its network and finds it again, one leaves.
    static let scaleOut = Fault(
        name: "scale-out", what: "2 to 4 machines: join, die, cut off, leave",
        setting: Setting(pools: 2, workers: 1, machines: 4),
        // One dies; one goes on sending until its lease is over, and cannot say so.
        bound: { $0.inHandOfWorker + $0.unsettledOfWorker + $0.fault.setting.slots },
        resendLimit: .seconds(20)
    ) { trial in
        try trial.awaitBalance()
        try trial.awaitDeliveries(500)
        for _ in 0..<2 { try trial.startPool() }
        try trial.awaitBalance()
        try trial.awaitDeliveries(500)
        let (dead, cut) = (trial.pools[1], trial.pools[2])

        let (deadWorkers, ofDead) = try trial.whatIsOwned(by: dead)
        let (cutWorkers, ofCut) = try trial.whatIsOwned(by: cut)
        let at = wallMilliseconds()
        for pid in [dead.process.pid] + deadWorkers.values { kill(pid, SIGKILL) }
        trial.forget(dead)
        try trial.cut(2, from: true)
        let gone = Set(deadWorkers.keys).union(cutWorkers.keys)
        try trial.struck(at: at, partitions: ofDead.union(ofCut), of: gone)
        try trial.awaitDeliveries(500)

        try trial.cut(2, from: false)
        try trial.awaitBalance(within: .seconds(60))
        try trial.awaitDeliveries(500)
        try trial.expectCleanEnd(of: cut)
        try trial.awaitBalance()
    }
}
