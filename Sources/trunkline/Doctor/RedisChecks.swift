internal import DeliveryCore
internal import RedisQueue

/// Whether Redis is there, and fit for the work.
struct RedisChecks {
    /// Scripts that declare `#!lua flags=allow-oom` came with it; older servers refuse them.
    static let oldestVersion = 7
    /// What the embedded Redis runs with (facts/costs.md, "What follows for the design", 6).
    static let streamNodeBytes: Int64 = 1_024

    var endpoint: RedisEndpoint
    var keys: QueueKeys
    /// It is the one that `trunkline run --embedded` starts.
    var isEmbedded: Bool

    func run(_ clocks: inout ClockCheck) -> [Finding] {
        do throws(RedisFailure) {
            let client = try RedisClient(endpoint: endpoint, keys: keys)
            let servers = try client.standings()
            var findings = [worst(servers, reached)]
            findings += RedisTopologyChecks(endpoint: endpoint, servers: servers).run()
            findings += [policy, persistence, memory, streamNodes].map { worst(servers, $0) }
            clocks.look(at: "Redis") { try? client.time() }
            let alive = try client.aliveWorkers()
            findings += [
                workers(alive), try intake(client, alive), try rejected(client),
                try strangers(client),
            ]
            return findings
        } catch {
            return [unreachable(error)]
        }
    }

    /// Of several servers the first that is worst, by name.
    private func worst(
        _ servers: [ServerStanding], _ check: (ServerFacts) -> Finding
    ) -> Finding {
        var worst: Finding?
        for server in servers {
            var finding = check(server.facts)
            if servers.count > 1, finding.grade != .ok {
                finding.message = "\(server.server): \(finding.message)"
            }
            if finding.grade.severity > worst?.grade.severity ?? -1 { worst = finding }
        }
        return worst ?? .problem("redis", "no server has any slot", mend: "mend the cluster")
    }

    private func unreachable(_ error: RedisFailure) -> Finding {
        let mend =
            switch error.sentence {
            case let text where text.contains("NOAUTH"):
                "it wants a password: redis://:PASSWORD@HOST:PORT/DB, best in TRUNKLINE_REDIS_URL"
            case let text where text.contains("WRONGPASS"):
                "correct user and password in the URL"
            case let text where text.contains("NOPERM"):
                "give this user the commands it was refused (`redis-cli ACL SETUSER`)"
            case let text where text.contains("LOADING"):
                "it reads its data back after a start: wait, and ask again"
            case let text where text.contains("cluster support disabled"):
                "this Redis is no cluster: write redis://HOST:PORT/DB"
            case let text where text.contains("cluster is down"):
                "`redis-cli --cluster check HOST:PORT` tells which slots nobody serves"
            case let text where text.contains("No such master"):
                "correct the name behind the sentinels in --redis (`sentinel monitor NAME`)"
            case let text where text.hasPrefix("sentinel "):
                "see whether the sentinels run and listen, and correct --redis"
            case let text where text.contains("DB index"):
                "correct the number of the database at the end of the URL"
            case let text where text.contains("not known"):
                "correct the name of the host in --redis"
            case let text where text.contains("closed the connection"):
                "see whether Redis listens at this address, and correct --redis"
            default:
                isEmbedded
                    ? "start it with `trunkline run --embedded`, or correct --state-directory"
                    : "start it (`systemctl start redis-server`), or correct --redis"
            }
        return .problem("redis", "\(endpoint): \(error.sentence)", mend: mend)
    }

    private func reached(_ facts: ServerFacts) -> Finding {
        let major = facts.version.prefix { $0 != "." }
        guard let number = Int(major), number >= Self.oldestVersion else {
            return .problem(
                "redis", "version \(facts.version) at \(endpoint)",
                mend: "use Redis \(Self.oldestVersion) or newer, or Valkey: older ones refuse the "
                    + "workers' scripts")
        }
        return .ok("redis", "version \(facts.version) at \(endpoint)")
    }

    private func policy(_ facts: ServerFacts) -> Finding {
        guard facts.maxMemoryPolicy == "noeviction" else {
            return .problem(
                "eviction policy",
                "maxmemory-policy is \(facts.maxMemoryPolicy): Redis throws deliveries away "
                    + "when it is full, and workers refuse to start",
                mend:
                    "`redis-cli CONFIG SET maxmemory-policy noeviction`, and the same in redis.conf"
            )
        }
        return .ok("eviction policy", "noeviction")
    }

    private func persistence(_ facts: ServerFacts) -> Finding {
        guard facts.appendOnly else {
            return .warning(
                "persistence",
                "there is no append-only file: what is not yet expanded is lost when Redis "
                    + "restarts",
                mend: "`redis-cli CONFIG SET appendonly yes`, and `appendonly yes` in redis.conf")
        }
        return .ok("persistence", "append-only file")
    }

    private func memory(_ facts: ServerFacts) -> Finding {
        let used = megabytes(facts.usedMemory)
        guard facts.maxMemory > 0 else { return .ok("memory", "\(used) used, no limit set") }
        let share = facts.usedMemory * 100 / facts.maxMemory
        let message = "\(used) of \(megabytes(facts.maxMemory)) used (\(share) %)"
        guard share >= 80 else { return .ok("memory", message) }
        let mend = "raise maxmemory, or find out with `trunkline hosts --state open` what piles up"
        return share >= 95
            ? .problem("memory", message + ": Redis soon takes nothing new", mend: mend)
            : .warning("memory", message, mend: mend)
    }

    private func streamNodes(_ facts: ServerFacts) -> Finding {
        guard let bytes = facts.streamNodeMaxBytes else {
            return .ok("stream nodes", "not known: CONFIG is not allowed here")
        }
        // 0 is no limit: then the number of entries decides, 100 of up to 2 kB.
        guard bytes > 0, bytes <= Self.streamNodeBytes else {
            return .warning(
                "stream nodes",
                "stream-node-max-bytes is \(bytes): many short streams take three times the memory",
                mend:
                    "`redis-cli CONFIG SET stream-node-max-bytes \(Self.streamNodeBytes)`, and the same in "
                    + "redis.conf")
        }
        return .ok("stream nodes", "stream-node-max-bytes \(bytes)")
    }

    private func workers(_ alive: [String]) -> Finding {
        guard !alive.isEmpty else {
            return .warning(
                "workers", "none was heard of in the last 15 s",
                mend: "start them with `trunkline run`")
        }
        return .ok("workers", "\(alive.count) alive")
    }

    private func intake(
        _ client: borrowing RedisClient, _ alive: [String]
    ) throws(RedisFailure) -> Finding {
        let lengths = try client.intakeLengths()
        let message = lengths.map { "\($0.lane.name) \($0.length)" }.joined(separator: ", ")
        let total = lengths.reduce(0) { $0 + $1.length }
        guard total > 0, alive.isEmpty else { return .ok("intake", message) }
        return .problem(
            "intake", "\(total) activities stand there (\(message)) and nobody takes them",
            mend: "start workers with `trunkline run`")
    }

    private func rejected(_ client: borrowing RedisClient) throws(RedisFailure) -> Finding {
        let count = try client.command(["XLEN", client.keys.rejected]).integer ?? 0
        guard count > 0, let newest = try client.rejectedEntries(limit: 1).first else {
            return .ok("rejected", "no entry was refused")
        }
        return .warning(
            "rejected",
            "\(count) \(count == 1 ? "entry was" : "entries were") refused, the newest because of "
                + newest.reason,
            mend: "`trunkline rejected` shows each and what was wrong with it")
    }

    /// Streams that somebody writes for us under a name that nobody reads: braces forgotten, a lane
    /// that is none.
    private func strangers(_ client: borrowing RedisClient) throws(RedisFailure) -> Finding {
        let known = Set(Lane.intake.map(client.keys.intake) + [client.keys.rejected])
        var unread: [String] = []
        for server in client.servers {
            var cursor = "0"
            repeat {
                let scan = RedisCommand(
                    "SCAN", cursor, "MATCH", "\(client.keys.prefix)*intake*", "COUNT", "1000",
                    "TYPE", "stream")
                let reply = try client.perform(scan, at: server).array
                cursor = reply?.first?.text ?? "0"
                unread += (reply?.last?.array ?? []).compactMap(\.text)
                    .filter { !known.contains($0) }
            } while cursor != "0"
        }
        guard let name = unread.min() else {
            return .ok("streams", "nobody writes past the intake")
        }
        let more = unread.count > 1 ? " (and \(unread.count - 1) more)" : ""
        return .problem(
            "streams", "\(name.printable) holds entries, and nobody reads it\(more)",
            mend: "XADD to \(client.keys.intake(.normal)), braces and all; lanes: "
                + Lane.intake.map(\.name).joined(separator: ", "))
    }

    private func megabytes(_ bytes: Int64) -> String { "\((bytes + 524_288) >> 20) MiB" }
}
