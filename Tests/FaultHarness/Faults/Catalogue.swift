extension Fault {
    /// Those that are tried unless others are named, the most common ones first.
    package static let standard: [Fault] = [
        workerKill, workerFreeze, supervisorKill, rollingRestart, postgresFreeze, postgresStop,
        postgresKill, redisKill, diskFull, redisFull, scaleOut,
    ]

    /// Redis loses what it had: only when they are named.
    package static let others: [Fault] = [flushAll, redisLoss]

    package static var all: [Fault] { standard + others }
}
