internal import RedisQueue

/// Whether there is somebody to take Redis' place, and whether a failover would go well.
struct RedisTopologyChecks {
    var endpoint: RedisEndpoint
    var servers: [ServerStanding]

    func run() -> [Finding] {
        switch endpoint.place {
        case .server: [role, replicas].compactMap { $0 }
        case .sentinel(let service):
            [role, sentinels(service.standings()), replicas].compactMap { $0 }
        case .cluster: [cluster, replicas].compactMap { $0 }
        }
    }

    private var role: Finding {
        guard let stranger = servers.first(where: { $0.role != "master" }) else {
            guard case .sentinel = endpoint.place, let primary = servers.first else {
                return .ok("redis role", "primary")
            }
            return .ok("redis role", "primary at \(primary.server)")
        }
        return .problem(
            "redis role", "this one is a \(stranger.role), which takes no writes",
            mend: "give the address of the primary")
    }

    private func sentinels(_ standings: [SentinelStanding]) -> Finding {
        let subject = "sentinels"
        let primaries = Set(standings.compactMap(\.primary))
        guard primaries.count < 2 else {
            let names = primaries.map(\.description).sorted().joined(separator: " and ")
            return .problem(
                subject, "they name different primaries: \(names)",
                mend: "wait for the end of a failover; if it stays so, a sentinel is cut off")
        }
        let troubled = standings.filter { $0.trouble != nil }
        if let first = troubled.first, let trouble = first.trouble {
            let more = troubled.count > 1 ? " (and \(troubled.count - 1) more)" : ""
            return .warning(
                subject, "\(first.sentinel)\(more): \(trouble)",
                mend: "mend it: without a majority of them nobody takes over")
        }
        guard standings.count >= 3 else {
            return .warning(
                subject, "\(standings.count) named in --redis, and all answer",
                mend: "run three on three machines, and name them all: of two none may be lost")
        }
        return .ok(subject, "\(standings.count) of \(standings.count) answer and would fail over")
    }

    private var cluster: Finding {
        let count = "\(servers.count) primaries"
        if let stranger = servers.first(where: { $0.role != "master" }) {
            return .problem(
                "cluster", "\(stranger.server) has slots and is a \(stranger.role)",
                mend: "wait for the end of a failover, and ask again")
        }
        guard servers.count >= 3 else {
            return .warning(
                "cluster", "\(count): it has no majority that could see one of them fail",
                mend: "have at least three")
        }
        return .ok("cluster", "\(count), all slots served")
    }

    /// nil: a server by itself has none, and may.
    private var replicas: Finding? {
        let subject = "replicas"
        if let starved = servers.first(where: { ($0.minReplicasToWrite ?? 0) > $0.replicas }) {
            return .problem(
                subject,
                "\(starved.server) has \(starved.replicas), and takes nothing with fewer than "
                    + "min-replicas-to-write \(starved.minReplicasToWrite ?? 0)",
                mend: "bring the replicas back")
        }
        if case .server = endpoint.place { return nil }
        if let alone = servers.first(where: { $0.replicas == 0 }) {
            return .warning(
                subject, "\(alone.server) has none: nobody can take its place",
                mend: "give it one (`replicaof`, or `redis-cli --cluster add-node`)")
        }
        let counts = servers.map { String($0.replicas) }.joined(separator: ", ")
        if case .sentinel = endpoint.place, servers.contains(where: { $0.minReplicasToWrite == 0 })
        {
            return .warning(
                subject,
                "\(counts), and min-replicas-to-write is 0: a primary that is cut off goes on "
                    + "taking entries, which are lost when it follows the new one",
                mend: "`redis-cli CONFIG SET min-replicas-to-write 1` on every server, and the "
                    + "same in redis.conf")
        }
        return .ok(subject, servers.count == 1 ? counts : "\(counts) of the primaries in turn")
    }
}
