import DeliveryCore
import PostgresStore
import RedisQueue
import Testing

@Suite(.pool) struct RebuildTests {
    private func generations(_ tenant: Tenant) throws -> [String] {
        try tenant.database().query("select generation from trunkline.partition order by number")
            .compactMap { $0[0] }
    }

    @Test func `it gives partitions a new generation, tells the workers, and is on record`() throws
    {
        let tenant = try Pool.required.tenant()
        let before = try generations(tenant)
        let some = try tenant.run("rebuild", "--partition", "1", "--partition", "3")
        #expect(some.code == 0, "\(some.errors)")
        #expect(some.output == "2 partitions will be rebuilt: no worker is alive just now\n")
        let after = try generations(tenant)
        #expect(zip(before, after).map { $0 == $1 } == [true, false, true, false])
        let epoch = try tenant.redis().command(["HGET", "\(tenant.keyPrefix)control", "epoch"])
        #expect(epoch.text == "1")
        #expect(try tenant.run("rebuild", "--all").code == 0)
        #expect(Set(try generations(tenant)).isDisjoint(with: before))
        let audit = try tenant.database().query("select action, subject from trunkline.audit")
        #expect(audit == [["rebuild", "partitions [1, 3]"], ["rebuild", "all partitions"]])
    }

    @Test func `which ones must be said, and they must exist`() throws {
        let tenant = try Pool.required.tenant()
        #expect(try tenant.run("rebuild").code == 2)
        #expect(try tenant.run("rebuild", "--all", "--partition", "1").code == 2)
        let before = try generations(tenant)
        let unknown = try tenant.run("rebuild", "--partition", "1", "--partition", "4")
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("there is no partition 4: their numbers are 0 to 3"))
        #expect(try generations(tenant) == before, "those that exist are left alone")
    }

    @Test func `the doctor says what Redis has lost`() throws {
        let tenant = try Pool.required.tenant()
        #expect(try tenant.run("doctor").output.contains("Redis has lost that of 4"))
        for (number, generation) in try generations(tenant).enumerated() {
            let mark = PartitionMark(generation: generation, through: ActivityID(rawValue: 1))
            try tenant.redis().command([
                "SET", "\(tenant.keyPrefix){p\(number)}:mark", mark.text,
            ])
        }
        #expect(try tenant.run("doctor").output.contains("Redis has that of all partitions"))
    }
}
