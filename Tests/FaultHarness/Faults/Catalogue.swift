extension Fault {
    /// Those that are tried unless others are named, the most common ones first.
    package static let standard: [Fault] = [
        workerKill, workerFreeze, supervisorKill, rollingRestart, postgresFreeze, postgresStop,
        postgresKill, redisKill, flushAll, redisLoss, diskFull, redisFull, scaleOut,
    ]

    /// Only when they are named: the machine must be quiet.
    package static let others: [Fault] = [scaleThroughput]

    package static var all: [Fault] { standard + others }
}
