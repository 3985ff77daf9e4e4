import FaultHarness
import RedisQueue
import Supervision
import Testing

extension EndToEnd.OnePool {
    /// `trunkline worker` under another supervisor than ours.
    @Suite(.serialized) struct WorkerByHandTests {
        @Test func `a worker without a lifeline works until SIGTERM`() throws {
            let federation = try Federation.current
            let log = federation.scratch.file("by-hand.log")
            let worker = try ChildProcess(
                Command(
                    path: Program.trunkline,
                    arguments: ["worker", "--instance-domain", "our.example"]
                        + federation.pool.services.flags,
                    input: .empty, output: .appended(to: log)))
            try Poll.until("it is at work: \(contents(of: log))", within: .seconds(30)) {
                contents(of: log).contains("worker ready")
            }
            #expect(worker.terminate(grace: .seconds(60)) == .exited(0))
            let lines = contents(of: log).split(separator: "\n")
            #expect(lines.filter { $0.contains("standard input cannot be watched") }.count == 1)
        }

        @Test func `the owner of partition 0 tells producers how long the lanes are`() throws {
            let pool = try Federation.current.pool
            try Poll.until("the hint is there", within: .seconds(20)) {
                try pool.redis().command(["HGET", "trunkline:{intake}:state", "expanding"]).text
                    == "yes"
            }
        }
    }
}
