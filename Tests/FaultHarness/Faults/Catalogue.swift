extension Fault {
    /// Those that are tried unless others are named, the most common ones first.
    package static let standard: [Fault] = [
        workerKill, workerFreeze, supervisorKill, rollingRestart, postgresFreeze, postgresStop,
        postgresKill, redisKill, flushAll, redisLoss, sentinelFailover, clusterNodeKill,
        clusterSlotsMove, clusterWorkerKill, postgresPromotion, diskFull, redisFull, scaleOut,
    ]

    /// Only when they are named: the machine must be quiet.
    package static let others: [Fault] = [scaleThroughput]

    /// The standard ones for the tests, two abreast: most of each is waiting. Those that take most of
    /// the processors, or that not every machine can try, are alone.
    package static let abreast: [[Fault]] = [
        [workerKill], [clusterWorkerKill], [workerFreeze, postgresFreeze],
        [supervisorKill, postgresStop],
        [rollingRestart, postgresKill], [redisKill, postgresPromotion], [flushAll, redisFull],
        [redisLoss, clusterSlotsMove], [sentinelFailover, clusterNodeKill], [diskFull], [scaleOut],
    ]

    package static var all: [Fault] { standard + others }
}
