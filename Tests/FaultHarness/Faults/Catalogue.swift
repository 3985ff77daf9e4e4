extension Fault {
    /// Those that are tried unless others are named, the most common ones first.
    package static let standard: [Fault] = [
        workerKill, workerFreeze, supervisorKill, rollingRestart, postgresFreeze, postgresStop,
        postgresKill, redisKill, diskFull, redisFull, scaleOut,
    ]

    /// Only when they are named: Redis loses what it had, or the machine must be quiet.
    package static let others: [Fault] = [flushAll, redisLoss, scaleThroughput]

    package static var all: [Fault] { standard + others }
}
