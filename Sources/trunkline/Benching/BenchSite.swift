internal import Bench
internal import RedisQueue

/// What a load needs to know of what it is put on.
struct BenchSite: Sendable {
    var services: BenchResult.Services
    var redis: RedisEndpoint
    var keys: QueueKeys
    /// For libpq.
    var database: String
    /// How many there are.
    var workers: Int
    var partitions: Int
    var meters: BenchMeters
}
