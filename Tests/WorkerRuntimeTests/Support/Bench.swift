import DeliveryCore
import EventLoop
import Foundation
import PostgresStore
import Supervision
import Testing

@testable import WorkerRuntime

/// A PostgreSQL for all suites, started before the first test and stopped after the last.
struct PostgresTrait: SuiteTrait, TestScoping {
    @TaskLocal static var connectionString: String?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let directory = "/tmp/trunkline-wr-\(UInt64.random(in: 0 ... .max))"
        // Open to pass through: the `postgres` user has its socket in there.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o711])
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let postgres = try EmbeddedPostgres(directory: directory, settings: ["fsync": "off"])
        defer { postgres.stop() }
        try await Self.$connectionString.withValue(postgres.connectionString) {
            try await function()
        }
    }
}

extension Trait where Self == PostgresTrait {
    static var postgres: PostgresTrait { PostgresTrait() }
}

/// Suites that ask a real PostgreSQL.
@Suite(.serialized, .postgres) enum WithPostgres {}

/// A migrated database of the test's own, and a store on a loop.
final class Bench {
    let loop = EventLoop()
    let database: Database
    let store: PostgresStore
    private(set) lazy var inboxes = InboxDirectory(loop: loop, store: store)

    private final class Ready { var isReady = false }

    init() throws {
        let server = try #require(PostgresTrait.connectionString)
        let name = "t\(UInt32.random(in: 0 ... .max))"
        try Database(connectionString: server).query("create database \(name)")
        let own = server.replacingOccurrences(of: "dbname=trunkline", with: "dbname=\(name)")
        database = try Database(connectionString: own)
        try database.migrate(partitions: 4)
        let ready = Ready()
        store = PostgresStore(
            loop: loop, connectionString: own, random: SeededGenerator(seed: 7)
        ) { isReady, _ in ready.isReady = isReady }
        store.open()
        turn(until: "connected") { ready.isReady }
    }

    deinit { store.close() }

    func turn(until what: String, _ condition: () -> Bool) {
        let deadline = loop.now + .seconds(30)
        while !condition() {
            guard loop.now < deadline else {
                Issue.record("not within 30 s: \(what)")
                return
            }
            loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    func answer<Value>(_ ask: (@escaping (Value) -> Void) -> Void) throws -> Value {
        var answer: Value?
        ask { answer = $0 }
        turn(until: "answered") { answer != nil }
        return try #require(answer)
    }
}
