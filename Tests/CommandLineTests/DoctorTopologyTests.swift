import RedisQueue
import TestSupport
import Testing

/// What the doctor says where somebody may take Redis' place.
@Suite(.serialized) struct DoctorTopologyTests {
    private func report(_ redis: String) throws -> DoctorReport {
        try DoctorReport(
            Trunkline.run([
                "doctor", "--json", "--redis", redis, "--database", "host=/tmp/nowhere",
            ]))
    }

    @Test func `sentinels, the primary and its replicas are told of`() throws {
        let fleet = try SentinelFleet()
        let healthy = try report(fleet.url)
        #expect(healthy["redis role"]?.message == "primary at \(fleet.servers[0].address)")
        #expect(healthy["sentinels"]?.message == "3 of 3 answer and would fail over")
        #expect(healthy["replicas"]?.grade == "warning")
        #expect(healthy["replicas"]?.mend?.contains("min-replicas-to-write 1") == true)
        try fleet.servers[0].command("CONFIG", "SET", "min-replicas-to-write", "1")
        #expect(try report(fleet.url)["replicas"]?.grade == "ok")

        fleet.servers[1].kill()
        try Patience.wait("the primary has noticed") {
            try fleet.servers[0].command("ROLE").array?.last?.array?.isEmpty == true
        }
        let starved = try report(fleet.url)["replicas"]
        #expect(starved?.grade == "problem")
        #expect(starved?.message.contains("takes nothing") == true)
        for sentinel in fleet.sentinels.dropFirst() { sentinel.kill() }
        let alone = try report(fleet.url)["sentinels"]
        #expect(alone?.grade == "warning")
        #expect(alone?.message.contains("\(fleet.sentinels[1].address) (and 1 more)") == true)
    }

    @Test func `the nodes of a cluster are told of, the worst of them by name`() throws {
        let fleet = try ClusterFleet(replicas: true)
        let healthy = try report(fleet.url)
        #expect(healthy["cluster"]?.message == "3 primaries, all slots served")
        #expect(healthy["replicas"]?.message == "1, 1, 1 of the primaries in turn")
        #expect(healthy["eviction policy"]?.grade == "ok")
        try fleet.nodes[1].command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        let evicting = try report(fleet.url)["eviction policy"]
        #expect(evicting?.grade == "problem")
        #expect(evicting?.message.hasPrefix("\(fleet.nodes[1].address): maxmemory-policy") == true)
    }
}
