import RedisQueue
import Supervision
import TestSupport
import FaultHarness
import Testing

extension EndToEnd {
    /// A Redis that has somebody to take its place.
    @Suite(.serialized) struct RedisFailoverTests {
        @Test func `what sentinels promote goes on with the work`() throws {
            let fleet = try SentinelFleet()
            try run(redis: fleet.url, name: "sentinel") { pool, load in
                try load.awaitExpanded()
                try awaitReplicated(fleet.servers[0])
                try load.awaitAccepted(part: 6)
                #expect(try load.isUnderWay, "the load was too small")
                fleet.servers[0].kill()
                try load.awaitAllDelivered(duplicates: 2 * EndToEnd.inHandOfWorker)
                #expect(fleet.primary?.port == fleet.servers[1].port)
            }
        }

        @Test func `a node of a cluster that dies has its replica go on with the work`() throws {
            let fleet = try ClusterFleet(replicas: true)
            try run(redis: fleet.url, name: "node") { pool, load in
                try load.awaitExpanded()
                for node in fleet.nodes.prefix(3) { try awaitReplicated(node) }
                try load.awaitAccepted(part: 6)
                #expect(try load.isUnderWay, "the load was too small")
                fleet.nodes[0].kill()
                try load.awaitAllDelivered(duplicates: 2 * EndToEnd.inHandOfWorker)
            }
        }

        @Test func `slots that move under load take their work along`() throws {
            let fleet = try ClusterFleet()
            try run(redis: fleet.url, name: "slot") { pool, load in
                try load.awaitAccepted(part: 10)
                let moving =
                    ["trunkline:{intake}:normal"] + (0..<12).map { "trunkline:{p\($0)}:log" }
                for key in moving {
                    let source = try fleet.owner(of: key)
                    let target = try #require(
                        fleet.nodes.first { $0.port != source.port })
                    let move = try fleet.beginMove(of: key, to: target)
                    try move.moveKeys()
                    try move.finish()
                }
                #expect(try load.isUnderWay, "the load was too small")
                try load.awaitAllRecorded(duplicates: EndToEnd.inHandOfWorker)
            }
        }

        private func awaitReplicated(_ server: RedisNode) throws {
            try Poll.until("the replica has it all", within: .seconds(10)) {
                try server.command("WAIT", "1", "100") == .integer(1)
            }
        }

        private func run(
            redis url: String, name: String, _ test: (Pool, Load) throws -> Void
        ) throws {
            let scratch = try Scratch()
            let postgres = try EmbeddedPostgres(directory: scratch.file("p"))
            try Program.run(
                Program.trunkline, ["migrate", "--database", postgres.connectionString])
            let sink = try SinkProcess(in: scratch)
            let pool = try Pool(
                .external(redis: url, database: postgres.connectionString), delivering: sink,
                in: scratch)
            let load = try Load(on: pool, sink, name: name)
            let start = ContinuousClock.now
            do {
                try test(pool, load)
            } catch {
                Issue.record("the pool's log: \(contents(of: pool.log).suffix(3_000))")
                throw error
            }
            print("\(name): all recorded \(start.duration(to: .now)) after the last was enqueued")
            pool.expectCleanEnd()
            postgres.stop()
        }
    }
}
