internal import RedisQueue
internal import Supervision

/// The private Redis and PostgreSQL of `run --embedded`.
struct EmbeddedServices {
    private let redis: EmbeddedRedis
    private let postgres: EmbeddedPostgres
    let connection: PoolConnection

    init(in directory: String, keyPrefix: String) throws {
        do {
            redis = try EmbeddedRedis(directory: directory)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        do {
            postgres = try EmbeddedPostgres(directory: directory)
        } catch {
            redis.stop()
            throw CommandFailure.failed("\(error)")
        }
        connection = PoolConnection(
            redis: try RedisEndpoint(redis.url), redisURL: redis.url,
            database: postgres.connectionString,
            keys: QueueKeys(prefix: keyPrefix))
    }

    func stop() {
        postgres.stop()
        redis.stop()
    }
}
