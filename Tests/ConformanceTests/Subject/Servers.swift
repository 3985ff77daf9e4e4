import DeliveryCore
import Foundation
import HTTPSignatures
import PostgresStore
import SigningKeys
import Supervision
import TestSupport
import Testing

/// Three kinds of Redis and a PostgreSQL for the whole suite; every test has a prefix and a database of its own.
struct Servers: Sendable {
    @TaskLocal static var running: Servers?
    static let partitionCount = 4

    /// One server; one that is found through sentinels; a cluster of three nodes.
    var redis: String
    var sentinel: String
    var cluster: String
    /// Of the database that holds schema and keys, and that all others are copies of.
    private var template: String

    fileprivate init(
        _ redis: EmbeddedRedis, _ sentinels: SentinelFleet, _ cluster: ClusterFleet,
        _ postgres: EmbeddedPostgres
    ) throws {
        self.redis = redis.url
        sentinel = sentinels.url
        self.cluster = cluster.url
        template = postgres.connectionString
        let database = try Database(connectionString: template)
        try database.migrate(partitions: Self.partitionCount)
        let pem = String(
            decoding: try PrivateKey(generating: .ed25519).privatePEM(), as: UTF8.self)
        for sender in 1...2 {
            try database.addKey(
                keyID: Posting(0) { $0.sender = sender }.keyID, algorithm: "ed25519", pem: pem)
        }
    }

    /// The connection string of a fresh database.
    func makeDatabase() throws -> String {
        let name = "conformance\(UInt32.random(in: 0 ... .max))"
        let maintenance = template.replacing("dbname=trunkline", with: "dbname=postgres")
        try Database(connectionString: maintenance)
            .query("create database \(name) template trunkline")
        return template.replacing("dbname=trunkline", with: "dbname=\(name)")
    }
}

/// Starts the servers before the first test and stops them after the last.
struct ServersTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let directory = "\(MemoryDirectory.path)/trunkline-cf-\(UInt64.random(in: 0 ... .max))"
        // Open to pass through: the `postgres` user has its socket in there.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o711])
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let redis = try EmbeddedRedis(directory: directory)
        defer { redis.stop() }
        let postgres = try EmbeddedPostgres(directory: directory, settings: ["fsync": "off"])
        defer { postgres.stop() }
        // They stop when their last reference goes.
        let sentinels = try SentinelFleet(replicas: 0, sentinels: 1)
        let cluster = try ClusterFleet()
        let servers = try Servers(redis, sentinels, cluster, postgres)
        try await Servers.$running.withValue(servers) { try await function() }
        withExtendedLifetime((sentinels, cluster)) {}
    }
}

/// What the simulation relies on, and the real servers keep.
@Suite(.serialized, ServersTrait()) enum Conformance {}
