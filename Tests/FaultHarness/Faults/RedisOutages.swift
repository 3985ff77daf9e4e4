import RedisQueue
import Supervision

extension Fault {
    /// SIGKILL of Redis, which comes back with its append-only file (`appendfsync everysec`).
    static let redisKill = Fault(
        name: "redis-kill", what: "Redis kill -9, back with its AOF",
        // What workers had in flight while nobody could say that it was done.
        bound: { $0.strokes * $0.inHandOfPool },
        resendLimit: nil
    ) { trial in
        for _ in 0..<trial.repetitions {
            trial.redis.kill()
            try trial.redis.start()
            try trial.awaitReturn()
        }
    }

    /// Redis refuses what would take memory, until there is some again.
    static let redisFull = Fault(
        name: "redis-full", what: "Redis at maxmemory",
        bound: { _ in 0 }
    ) { trial in
        let client = try trial.pools[0].redis()
        // Nothing is left: every command that takes memory is refused from here on.
        try client.command(["CONFIG", "SET", "maxmemory", "1mb"])
        try Poll.until("Redis refuses producers", within: .seconds(30)) {
            trial.refusals > 3
        }
        try trial.last(trial.isShort ? .seconds(3) : .seconds(60))
        try client.command(["CONFIG", "SET", "maxmemory", "0"])
        try trial.awaitReturn()
    }

    /// All that Redis had is gone, while it runs.
    static let flushAll = Fault(
        name: "flushall", what: "FLUSHALL in mid-flight",
        bound: { $0.strokes * $0.inHandOfPool },
        promise: .expanded
    ) { trial in
        for _ in 0..<trial.repetitions {
            try trial.pools[0].redis().command(["FLUSHALL"])
            try trial.awaitReturn()
        }
    }

    /// Redis comes back empty.
    static let redisLoss = Fault(
        name: "redis-loss", what: "Redis kill -9, back without its AOF",
        bound: { $0.strokes * $0.inHandOfPool },
        promise: .expanded
    ) { trial in
        for _ in 0..<trial.repetitions {
            trial.redis.kill()
            try Program.run(
                "/bin/rm", ["-rf", "--", trial.scratch.file("r/redis/appendonlydir")])
            try trial.redis.start()
            try trial.awaitReturn()
        }
    }
}
