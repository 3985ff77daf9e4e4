import RedisQueue
import TestSupport

/// A server dies whose place another takes. Redis replicates asynchronously: what the replica never
/// got is as if Redis had lost it.
extension Fault {
    static let sentinelFailover = Fault(
        name: "sentinel-failover", what: "primary of Sentinel kill -9, replica promoted",
        setting: Setting(redis: .watched),
        bound: { $0.strokes * $0.inHandOfPool },
        resendLimit: .seconds(20),
        promise: .expanded
    ) { trial in
        let fleet = trial.sentinels
        for _ in 0..<trial.repetitions {
            try Poll.until("there is a primary", within: .seconds(60)) { fleet.primary != nil }
            guard let primary = fleet.primary else { throw Program.Failure("no primary") }
            let at = wallMilliseconds()
            primary.kill()
            try Poll.until("another is the primary", within: .seconds(60)) { fleet.primary != nil }
            try trial.goesOn(since: at)
            if trial.isShort { return }
            try primary.start()
            try Poll.until("it is a replica", within: .seconds(60)) { try primary.follows() }
        }
    }

    static let clusterNodeKill = Fault(
        name: "cluster-node-kill", what: "node of a Cluster kill -9, replica promoted",
        setting: Setting(redis: .cluster(replicas: true)),
        bound: { $0.strokes * $0.inHandOfPool },
        resendLimit: .seconds(20),
        promise: .expanded
    ) { trial in
        let fleet = trial.cluster
        for place in 0..<trial.repetitions {
            // The intake, then logs: each time whoever has it by now.
            let key = place == 0 ? "trunkline:{intake}:normal" : "trunkline:{p\(place)}:log"
            let node = try fleet.owner(of: key)
            let at = wallMilliseconds()
            node.kill()
            try Poll.until("its replica has its slots", within: .seconds(60)) {
                try fleet.owner(of: key).port != node.port
            }
            try fleet.awaitServing()
            try trial.goesOn(since: at)
            if trial.isShort { return }
            try node.start()
            try Poll.until("it is a replica", within: .seconds(60)) { try node.follows() }
        }
    }

    /// No failure: slots go from node to node, with all that is in them.
    static let clusterSlotsMove = Fault(
        name: "cluster-slots-move", what: "slots of a Cluster move, 13 of them",
        setting: Setting(redis: .cluster(replicas: false)),
        bound: { $0.inHandOfWorker },
        resendLimit: .seconds(20)
    ) { trial in
        let fleet = trial.cluster
        let keys = ["trunkline:{intake}:normal"] + (0..<12).map { "trunkline:{p\($0)}:log" }
        for key in keys {
            let source = try fleet.owner(of: key)
            guard let target = fleet.nodes.first(where: { $0.port != source.port }) else {
                throw Program.Failure("no node to move slots to")
            }
            let at = wallMilliseconds()
            let move = try fleet.beginMove(of: key, to: target)
            try move.moveKeys()
            try move.finish()
            trial.struck(at: at)
        }
        try trial.awaitDeliveries(1_000)
    }

    /// SIGKILL of the primary, and its synchronous standby is promoted.
    static let postgresPromotion = Fault(
        name: "postgres-promotion", what: "PostgreSQL kill -9, standby promoted",
        setting: Setting(postgres: .pair),
        bound: { _ in 0 },
        resendLimit: .seconds(20)
    ) { trial in
        let at = wallMilliseconds()
        try trial.postgresPair.failOver()
        try trial.goesOn(since: at)
    }
}

extension Trial {
    /// Somebody has taken the place of what failed: resends are counted from here on, and their time
    /// from the failure. Returns when work goes on.
    fileprivate func goesOn(since failure: Milliseconds) throws {
        struck(at: failure, overAt: wallMilliseconds())
        try awaitDeliveries(1_000, within: .seconds(120))
    }
}
