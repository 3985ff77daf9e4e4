import DeliveryCore
import Logging
import PostgresStore
import Supervision
import Telemetry
import Testing

@testable import trunkline

/// What the supervisor does with a crash: into PostgreSQL, also when that is away at first.
@Suite(.pool) struct CrashLedgerTests {
    private let item = WorkItem.activity(ActivityID(day: 20_000, sequence: 7))

    private func crash(_ number: Int, with item: WorkItem?) -> WorkerCrash {
        WorkerCrash(
            slot: 0, incarnation: Incarnation(rawValue: "0-\(number)"), signal: 11, stage: .sign,
            item: item)
    }

    private func ledger(_ connectionString: String) -> CrashLedger {
        CrashLedger(
            database: connectionString,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func quarantined(_ ledger: CrashLedger) -> [UInt64] {
        var metrics = Metrics()
        ledger.add(to: &metrics)
        return QuarantinedKind.allCases.map { metrics[.quarantined($0)] }
    }

    @Test func `each is on record when it returns, and the third counts as set aside`()
        async throws
    {
        let tenant = try Pool.required.tenant()
        let ledger = ledger(tenant.connectionString)
        for number in 1...4 {
            await ledger.record(crash(number, with: item))
            #expect(ledger.waitingCount == 0)
            let count = try tenant.database().crashes(of: ActivityID(day: 20_000, sequence: 7))
            #expect(
                count?.count == CrashCount(crashes: number, stage: "sign", signal: "SIGSEGV"))
            #expect(quarantined(ledger) == [number < 3 ? 0 : 1, 0])
        }
    }

    @Test func `what no single item was in hand for counts against nothing`() async throws {
        let tenant = try Pool.required.tenant()
        let ledger = ledger(tenant.connectionString)
        await ledger.record(crash(1, with: nil))
        #expect(ledger.waitingCount == 0)
        #expect(try tenant.database().query("select from trunkline.crash").isEmpty)
    }

    @Test(.timeLimit(.minutes(1)))
    func `what PostgreSQL could not take is kept in its order and written when it can`()
        async throws
    {
        let tenant = try Pool.required.tenant()
        let name = "late\(UInt32.random(in: 0 ... .max))"
        let connectionString = try Pool.required.connectionString.replacing(
            "dbname=trunkline", with: "dbname=\(name)")
        let ledger = ledger(connectionString)
        for number in 1...3 { await ledger.record(crash(number, with: item)) }
        #expect(ledger.waitingCount == 3)
        try tenant.database().query("create database \(name)")
        try Database(connectionString: connectionString).migrate(partitions: 1)
        while ledger.waitingCount > 0 { await Task.yield() }
        let database = try Database(connectionString: connectionString)
        let rows = try database.query("select crashes, worker from trunkline.crash")
        #expect(rows == [["3", "0-3"]])
        #expect(quarantined(ledger) == [1, 0])
    }

    @Test func `so many are kept, and no more`() async throws {
        let ledger = ledger("host=/nonexistent dbname=none")
        for number in 1...CrashLedger.limit + 1 {
            await ledger.record(crash(number, with: item))
        }
        #expect(ledger.waitingCount == CrashLedger.limit)
    }
}
