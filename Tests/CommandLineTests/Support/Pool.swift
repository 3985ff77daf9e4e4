/// A Redis and a PostgreSQL of their own, once for a whole suite.

import Foundation
import PostgresStore
import RedisQueue
import Supervision
import Testing

struct Pool: Sendable {
    /// As `run --embedded` has it.
    var stateDirectory: String
    var redisURL: String
    /// Of the database `trunkline`, which has no schema.
    var connectionString: String

    @TaskLocal static var current: Pool?

    static var required: Pool {
        get throws { try #require(current, "the suite lacks the trait .pool") }
    }

    /// A database of the test's own, with a schema, and keys in Redis of its own.
    func tenant() throws -> Tenant {
        let name = "t\(UInt32.random(in: 0 ... .max))"
        try Database(connectionString: connectionString).query("create database \(name)")
        let tenant = Tenant(
            redisURL: redisURL, keyPrefix: "\(name):",
            connectionString: connectionString.replacingOccurrences(
                of: "dbname=trunkline", with: "dbname=\(name)"))
        try Database(connectionString: tenant.connectionString).migrate(partitions: 4)
        return tenant
    }
}

/// One test's share of the pool.
struct Tenant {
    var redisURL: String
    var keyPrefix: String
    var connectionString: String

    var flags: [String] {
        ["--redis", redisURL, "--database", connectionString, "--key-prefix", keyPrefix]
    }

    func run(
        _ command: String..., input: String = ""
    ) throws -> Trunkline.Result {
        try Trunkline.run(command + flags, input: input)
    }

    func database() throws -> Database { try Database(connectionString: connectionString) }

    func redis() throws -> RedisClient {
        try RedisClient(endpoint: RedisEndpoint(redisURL), keys: QueueKeys(prefix: keyPrefix))
    }
}

/// Starts the servers before the suite's first test and stops them after its last.
struct PoolTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let directory = try Scratch()
        let redis = try EmbeddedRedis(directory: directory.path)
        defer { redis.stop() }
        let postgres = try EmbeddedPostgres(
            directory: directory.path, settings: ["fsync": "off", "max_connections": "40"])
        defer { postgres.stop() }
        let pool = Pool(
            stateDirectory: directory.path, redisURL: redis.url,
            connectionString: postgres.connectionString)
        try await Pool.$current.withValue(pool) { try await function() }
    }
}

extension Trait where Self == PoolTrait {
    static var pool: PoolTrait { PoolTrait() }
}
