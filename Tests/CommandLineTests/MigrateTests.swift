import Foundation
import PostgresStore
import Testing

/// `trunkline migrate`: from nothing, again, and what it refuses.
@Suite(.pool) struct MigrateTests {
    @Test func `it makes the schema once and says from what to what`() throws {
        let database = try Self.emptyDatabase()
        let first = try Trunkline.run(["migrate", "--partitions", "8", "--database", database])
        #expect(first.code == 0, "\(first.errors)")
        #expect(
            first.output.hasPrefix("schema trunkline: 0 -> \(Migration.newest) (applied 1 init"))
        #expect(first.output.hasSuffix("; 8 partitions\n"))
        let second = try Trunkline.run(["migrate", "--database", database])
        #expect(second.code == 0)
        #expect(second.output.contains("nothing to do; 8 partitions"))
    }

    @Test func `--json lists what was applied`() throws {
        let database = try Self.emptyDatabase()
        let json = try Trunkline.run(["migrate", "--json", "--database", database]).json()
        #expect(Set(json.keys) == ["from", "to", "applied", "partitions"])
        #expect(json["from"] as? Int == 0 && json["to"] as? Int == Migration.newest)
        #expect(json["partitions"] as? Int == Database.defaultPartitionCount)
        let applied = try #require(json["applied"] as? [[String: Any]])
        #expect(applied.map { $0["number"] as? Int } == Migration.all.map(\.number))
    }

    @Test func `another number of partitions is refused once the schema is there`() throws {
        let tenant = try Pool.required.tenant()
        let refused = try tenant.run("migrate", "--partitions", "5")
        #expect(refused.code == 1)
        #expect(refused.errors.contains("the schema has 4 partitions"))
        #expect(try tenant.run("migrate", "--partitions", "4").code == 0)
    }

    @Test(arguments: [
        (["--workers", "100"], "100 workers are more than the 4 partitions"),
        (["--audience-relation", "public.nobody"], "correct --audience-relation"),
        (["--audience-relation", "a b;c"], "'a b;c' is not the name of a relation"),
    ])
    func `what does not fit the database is told before anything is started`(
        flags: [String], sentence: String
    ) throws {
        let tenant = try Pool.required.tenant()
        let result = try Trunkline.run(
            ["run", "--instance-domain", "our.example", "--admin", "off"] + flags + tenant.flags)
        #expect(result.code != 0)
        #expect(result.errors.contains(sentence), "\(result.errors)")
    }

    @Test func `a newer schema is left alone`() throws {
        let tenant = try Pool.required.tenant()
        try tenant.database().query(
            "insert into trunkline.migration (number, name) values (1000000, 'later')")
        for command in [["migrate"], ["activity", "x"], ["keys", "list"]] {
            let result = try Trunkline.run(command + tenant.flags)
            #expect(result.code == 1)
            #expect(result.errors.contains("newer than the \(Migration.newest)"))
        }
    }

    @Test func `commands that need the schema say how to make it`() throws {
        let database = try Self.emptyDatabase()
        for command in [["hosts"], ["keys", "list"], ["activity", "x"]] {
            let result = try Trunkline.run(command + ["--database", database])
            #expect(result.code == 1)
            #expect(result.errors.contains("make it with `trunkline migrate`"))
            #expect(result.errors.contains("the database empty"), "\(result.errors)")
        }
    }

    private static func emptyDatabase() throws -> String {
        let pool = try Pool.required
        let name = "empty\(UInt32.random(in: 0 ... .max))"
        try Database(connectionString: pool.connectionString).query("create database \(name)")
        return pool.connectionString.replacingOccurrences(
            of: "dbname=trunkline", with: "dbname=\(name)")
    }
}
