import Dispatch
import Foundation
import Supervision
import Synchronization

/// A run of one fault: real servers, pools, a sink, a producer that never rests, and the account.
package final class Trial {
    let fault: Fault
    let length: Fault.Length
    let scratch: Scratch
    let redisServers: Redis
    let postgresServers: Postgres
    /// One for every machine: each stands for the whole fediverse.
    let sinks: [SinkProcess]
    let machines: Machines?
    var machinesTaken = 0
    var pools: [Pool] = []
    var account = Account()
    /// What a fault hit and when, for the column of the first resend.
    var takeovers: [Takeover] = []
    let plan: LoadPlan
    var producer: Producer?
    var nextNumber = 0
    let mount: Mount?
    /// How often it happened.
    var strokes = 0
    var remarks: [String] = []
    var complaints: [String] = []

    private init(_ fault: Fault, _ length: Fault.Length) throws {
        self.fault = fault
        self.length = length
        let scratch = try Scratch()
        self.scratch = scratch
        let setting = fault.setting
        machines = setting.machines > 0 ? try Machines(count: setting.machines) : nil
        redisServers = try Self.redis(setting, machines, in: scratch)
        mount = try setting.postgresMegabytes.map {
            try Mount(at: scratch.makeDirectory("p"), megabytes: $0)
        }
        postgresServers = try Self.postgres(setting, length, machines, in: scratch)
        let first = try SinkProcess(in: scratch, namespace: machines?.namespace(0))
        var sinks = [first]
        for machine in 0..<max(setting.machines, 1) where machine > 0 {
            sinks.append(
                try SinkProcess(
                    in: scratch, twin: first, namespace: machines?.namespace(machine)))
        }
        self.sinks = sinks
        // Every connection begins with a handshake, on either side: for the tests there are fewer.
        plan = LoadPlan(
            key: Sender.keyID("alice"), port: first.httpsPort, hosts: length.isShort ? 120 : 300)
    }

    /// Tries a fault from beginning to end.
    package static func run(_ fault: Fault, _ length: Fault.Length) -> FaultRow {
        var row = FaultRow(fault: fault.what)
        do {
            let trial = try Trial(fault, length)
            trial.attempt { try $0.play() }
            // It may have come to its end too soon.
            trial.attempt { try $0.closeRound() }
            trial.finish(&row)
        } catch let skipped as Fault.Skipped {
            row.skipped = skipped.reason
            row.remarks = [skipped.words]
        } catch {
            row.complaints.append("\(error)")
        }
        return row
    }

    /// Several at once, each with servers of its own: for those who have little time.
    package static func run(abreast faults: [Fault], _ length: Fault.Length) -> [FaultRow] {
        let rows = Mutex([FaultRow?](repeating: nil, count: faults.count))
        DispatchQueue.concurrentPerform(iterations: faults.count) { place in
            let row = run(faults[place], length)
            rows.withLock { $0[place] = row }
        }
        return rows.withLock { $0.compactMap { $0 } }
    }

    private func attempt(_ act: (Trial) throws -> Void) {
        do { try act(self) } catch { complaints.append("\(error)") }
    }

    private func play() throws {
        for _ in 0..<fault.setting.pools { try startPool() }
        _ = try Sender(of: pools[0], known: sinks[0])
        for sink in sinks { try sink.follow(fault.setting.rules) }
        try startLoad()
        try fault.apply(self)
        try closeRound()
        for pool in pools { try expectCleanEnd(of: pool) }
    }

    private func finish(_ row: inout FaultRow) {
        row.deliveries = account.owed
        row.lost = account.lost
        row.duplicates = account.duplicates
        row.bound = fault.bound(self)
        row.resends = account.resends
        row.complaints = complaints + account.complaints
        if strokes == 0 { row.complaints.append("it never struck: nothing was tried") }
        if row.lost > 0 { row.complaints.append("\(row.lost) are lost") }
        if row.duplicates > row.bound {
            row.complaints.append("\(row.duplicates) duplicates are more than \(row.bound)")
        }
        let limit = length.isShort ? fault.shortResendLimit ?? fault.resendLimit : fault.resendLimit
        if let limit, let slowest = row.resends.max(), slowest > limit {
            row.complaints.append("the first resend took \(slowest), allowed are \(limit)")
        }
        row.remarks = remarks + account.remarks
        if row.verdict == .failed, ProcessInfo.processInfo.environment["TRUNKLINE_KEEP"] != nil {
            row.remarks.append("see \(scratch.path)")
        }
        try? producer?.stop()
        pools.removeAll()
        postgresServers.stop()
        redisServers.stop()
    }
}
