import DeliveryCore
import PostgresStore
import Testing

struct MigrationTests {
    @Test func `an empty database is migrated, and a second time nothing happens`() throws {
        let database = try Database(connectionString: PostgresServer.shared.makeDatabase())
        #expect(try database.schemaVersion() == 0)
        let first = try database.migrate(partitions: 16)
        #expect(first.applied == Array(1...Migration.newest))
        #expect(first.partitionCount == 16)
        let second = try database.migrate(partitions: 99)
        #expect(second.applied.isEmpty)
        #expect(second.partitionCount == 16)
        #expect(try database.schemaVersion() == Migration.newest)
    }

    @Test func `the migrations are numbered from 1 without a gap up to the newest`() {
        #expect(Migration.all.map(\.number) == Array(1...Migration.newest))
    }

    @Test func `a database that is newer than the binary is refused and left alone`() throws {
        let database = try Database(connectionString: PostgresServer.shared.makeDatabase())
        try database.migrate()
        try database.query(
            "insert into trunkline.migration (number, name) values (1000, 'later')")
        #expect(
            throws: MigrationFailure.newerSchema(found: 1000, known: Migration.newest)
        ) { try database.migrate() }
        #expect(try database.schemaVersion() == 1000)
    }

    @Test func `two migrators at once take turns`() async throws {
        let connectionString = try PostgresServer.shared.makeDatabase()
        @Sendable func migrate() throws -> [Int] {
            try Database(connectionString: connectionString).migrate(partitions: 8).applied
        }
        async let one = Task.detached { try migrate() }.value
        async let other = Task.detached { try migrate() }.value
        let applied = try await one + other
        #expect(applied.sorted() == Array(1...Migration.newest))
    }

    /// First 8 bytes of SHA-256, computed with Python's hashlib; half of them have the top bit set.
    @Test(arguments: [
        ("mastodon.social", "30", "0"),
        ("example.com", "37", "5"),
        ("example.com:8443", "3", "6"),
        ("xn--bcher-kva.example", "48", "3"),
        ("h17.fedi.localhost", "52", "2"),
        ("a", "10", "4"),
        ("mstdn.jp", "21", "6"),
    ])
    func `a host's partition is the first 8 bytes of its SHA-256, unsigned, modulo P`(
        host: String, of64: String, of7: String
    ) throws {
        for (count, expected) in [(64, of64), (7, of7)] {
            let database = try Self.database(partitions: count)
            #expect(try database.query("select trunkline.partition_of($1)", [host]) == [[expected]])
        }
    }

    private static func database(partitions: Int) throws -> Database {
        let database = try Database(connectionString: PostgresServer.shared.makeDatabase())
        try database.migrate(partitions: partitions)
        return database
    }

    @Test func `partitions are made a week ahead and only once`() throws {
        let database = try Self.database(partitions: 4)
        let count = """
            select count(*) from pg_inherits where inhparent = 'trunkline.activity'::regclass
            """
        #expect(try database.query(count) == [["9"]])
        #expect(try database.query("select trunkline.ensure_partitions(7)") == [["0"]])
        #expect(try database.query("select trunkline.ensure_partitions(8)") == [["3"]])
        #expect(try database.query(count) == [["10"]])
    }

    @Test func `a day made later compresses with lz4, and indexes Deletes by their object`() throws
    {
        let fixture = try StoreFixture()
        try fixture.database.query("select trunkline.ensure_partitions(9)")
        let days = try fixture.database.query(
            """
            select c.relname, a.attcompression = 'l', pg_get_expr(x.indpred, x.indrelid)
            from pg_inherits i join pg_class c on c.oid = i.inhrelid
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'body'
            left join pg_index x on x.indrelid = c.oid and x.indpred is not null
            where i.inhparent = 'trunkline.activity'::regclass
            """)
        #expect(days.count == 11, "yesterday, today, and nine to come")
        for day in days { #expect(day[1...] == ["t", "(type = 'Delete'::text)"]) }
        #expect(
            try fixture.number(
                """
                select count(*) from pg_indexes
                where schemaname = 'trunkline' and indexdef like '%(key_id, ordering_key)'
                """) == 0, "nothing else is in such an index")
    }

    @Test func `an old day is dropped only when it owes nothing`() throws {
        let fixture = try StoreFixture()
        let inbox = try fixture.inboxes(["a.example"])[0].id
        let id = try fixture.stored(.sample("note", to: [inbox]))
        // Retention that ended before today, so that today itself is old.
        let drop = "select trunkline.drop_partitions(-1)"
        let here = "select count(*) from trunkline.activity where id = \(id.rawValue)"
        // Yesterday's partition is empty and goes; today's owes and stays.
        #expect(try fixture.database.query(drop) == [["1"]])
        #expect(try fixture.number(here) == 1)
        var flush = StoreFlush.sample()
        flush.outcomes = [
            .init(activity: id, state: .delivered, inboxes: [inbox], epoch: Epoch(rawValue: 0))
        ]
        #expect(try fixture.flush(flush) == .success(FlushResult()))
        #expect(try fixture.database.query(drop) == [["1"]])
        #expect(
            try fixture.number("select count(*) from trunkline.activity") == 0)
        // Its idempotency key is still known: an entry that comes again is not stored again.
        #expect(
            try fixture.expand(.sample("note", to: [inbox]))
                == [.known(id, .normal, audience: [], parked: false)])
    }
}
