internal import Logging
internal import RedisQueue
internal import Supervision

/// The private Redis and PostgreSQL of `run --embedded`: one that dies is started again.
struct EmbeddedServices {
    private let redis: KeptServer<EmbeddedRedis>
    private let postgres: KeptServer<EmbeddedPostgres>
    let connection: PoolConnection

    init(in directory: String, keyPrefix: String, log: Logger) throws {
        let redis: EmbeddedRedis
        do {
            redis = try EmbeddedRedis(directory: directory)
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        let postgres: EmbeddedPostgres
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
        self.redis = KeptServer(redis, log: log)
        self.postgres = KeptServer(postgres, log: log)
    }

    func stop() {
        postgres.stop()
        redis.stop()
    }
}
