import Foundation
import Supervision
import TestSupport
import Testing

/// `trunkline bench` with servers and workers of its own.
@Suite(.serialized) struct BenchTests {
    private func bench(_ arguments: [String], in scratch: Scratch) throws -> Trunkline.Result {
        try Trunkline.run(["bench"] + arguments, environment: ["TMPDIR": scratch.path])
    }

    private func json(_ file: String, in scratch: Scratch) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(scratch.read(file).utf8))
        return try #require(value as? [String: Any])
    }

    /// Nothing of a run is left.
    private func isClean(_ scratch: Scratch) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            .allSatisfy { !$0.hasPrefix("trunkline-bench.") }
    }

    @Test func `the small scenario is delivered, verified and measured`() throws {
        let scratch = try Scratch()
        let done = try bench(
            [
                "--scenario", SmallScenario.path, "--workers", "2", "--json",
                scratch.file("a.json"),
                "--html", scratch.file("a.html"),
            ], in: scratch)
        try #require(done.code == 0, "\(done.errors)\(done.output)")
        #expect(done.output.contains("each once, each signature holds, nothing else came."))
        #expect(try isClean(scratch))

        let result = try json("a.json", in: scratch)
        let verified = try #require(result["verified"] as? [String: Any])
        let expected = try #require(verified["expected"] as? Int)
        #expect(expected > 300)
        #expect(verified["delivered"] as? Int == expected)
        #expect(verified["requests"] as? Int ?? 0 >= expected)
        for name in ["missing", "duplicates", "strangers", "badSignatures"] {
            #expect(verified[name] as? Int == 0, "\(name)")
        }
        // What the sink counted, what arrived second by second, and what has a time, agree.
        let samples = try #require(result["samples"] as? [[String: Any]])
        #expect(samples.last?["accepted"] as? Int == expected)
        #expect(samples.last?["logEntries"] as? Int == 0)
        #expect((result["arrivals"] as? [Int])?.reduce(0, +) == expected)
        let lanes = try #require(result["latency"] as? [[String: Any]])
        #expect(lanes.map { $0["lane"] as? String } == ["urgent", "normal", "bulk"])
        let throughput = try #require(result["throughput"] as? [String: Any])
        let offered = try #require(throughput["offeredDeliveriesPerSecond"] as? Double)
        let timed = lanes.compactMap { ($0["milliseconds"] as? [String: Any])?["count"] as? Int }
        #expect(abs(Double(timed.reduce(0, +)) - offered * 10) < 0.5)
        let kinds = try #require(result["cpu"] as? [[String: Any]])
        #expect(
            kinds.map { $0["name"] as? String }
                == ["worker", "supervisor", "redis", "postgres", "sink", "bench"])
        #expect(kinds.allSatisfy { $0["seconds"] as? Double ?? 0 > 0 })
        let stages = try #require(result["stages"] as? [[String: Any]])
        #expect(stages.contains { $0["name"] as? String == "sign" })
        let memory = try #require(result["memory"] as? [[String: Any]])
        #expect(memory.contains { $0["name"] as? String == "worker 2" })
        #expect(memory.allSatisfy { $0["peakBytes"] as? Int ?? 0 > 1_000_000 })
        let versions = try #require(result["versions"] as? [String: String])
        #expect(
            Set(versions.keys) == ["trunkline", "libcurl", "OpenSSL", "Redis", "PostgreSQL"])
        #expect(try scratch.read("a.html").hasSuffix("</html>\n"))

        let beside = try bench(
            ["--compare", scratch.file("a.json"), scratch.file("a.json")], in: scratch)
        #expect(beside.code == 0)
        #expect(!beside.output.contains("Warning"))
        #expect(beside.output.contains("CPU worker, us a delivery"))
    }

    @Test func `a host that refuses everything fails the run, and is named`() throws {
        let scratch = try Scratch()
        let file = try SmallScenario.changed(
            [
                "warmUp": 0, "duration": 2, "patience": 2,
                "rules": [["host": "h0.fedi.localhost", "status": 404]],
            ], in: scratch)
        let done = try bench(["--scenario", file, "--json", scratch.file("a.json")], in: scratch)
        #expect(done.code == 1, "\(done.errors)")
        #expect(done.output.contains("NOT VERIFIED: "))
        #expect(done.output.contains(" at https://h0.fedi.localhost:"))
        #expect(!done.output.contains(" at https://h1.fedi.localhost:"))
        let verified = try #require(
            try json("a.json", in: scratch)["verified"] as? [String: Any])
        #expect(verified["missing"] as? Int ?? 0 > 0)
        #expect((verified["complaints"] as? [String])?.count == 1)
        #expect(try isClean(scratch))
    }

    @Test func `a run that is interrupted leaves nothing behind`() throws {
        let scratch = try Scratch()
        let child = try ChildProcess(
            Supervision.Command(
                path: Trunkline.path.path, arguments: ["bench", "--scenario", SmallScenario.path],
                environment: ["PATH": "/usr/bin:/bin", "TMPDIR": scratch.path],
                output: .appended(to: scratch.file("log"))))
        // Its Redis has begun to listen: there is something to stop.
        let deadline = ContinuousClock.now + .seconds(60)
        var servers: String?
        while servers == nil, ContinuousClock.now < deadline {
            servers = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
                .first { $0.hasPrefix("trunkline-bench.") }
                .flatMap {
                    let socket = "\(scratch.path)/\($0)/pool/redis.sock"
                    return FileManager.default.fileExists(atPath: socket) ? $0 : nil
                }
            poll(nil, 0, 20)
        }
        try #require(servers != nil)
        #expect(child.terminate(grace: .seconds(90)) == .exited(1))
        #expect(try scratch.read("log").contains("interrupted"))
        #expect(try isClean(scratch))
    }

    @Test func `what is given wrongly is told before anything is started`() throws {
        let scratch = try Scratch()
        let misspelt = try bench(
            ["--scenario", try SmallScenario.changed(["host": 3], in: scratch)], in: scratch)
        #expect(misspelt.code == 2)
        #expect(misspelt.errors.contains("changed.json: host: there is no such key"))
        for arguments in [[], ["--compare", "a"], ["--compare", "a", "b", "--scenario", "c"]] {
            #expect(try bench(arguments, in: scratch).code == 2, "\(arguments)")
        }
        let none = try bench(["--compare", "/nowhere/a", "/nowhere/b"], in: scratch)
        #expect(none.code == 1)
        #expect(none.errors.contains("/nowhere/a can't be read"))
        let other = try scratch.write("{}", to: "b.json")
        #expect(try bench(["--compare", other, other], in: scratch).code == 2)
    }
}
