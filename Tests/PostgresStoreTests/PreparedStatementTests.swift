import DeliveryCore
import EventLoop
import TestSupport
import Testing

@testable import PostgresStore

/// Statements that are asked all the time are planned once, and never at the cost of an answer.
struct PreparedStatementTests {
    private static let names = Statement("select statement from pg_prepared_statements order by 1")

    /// What the server keeps for the connection that reads.
    private func kept(
        _ fixture: StoreFixture, by connection: KeyPath<PostgresStore, Connection> = \.reading
    ) throws -> [String] {
        let tables: [ResultTable] = try fixture.answer {
            fixture.store[keyPath: connection].transact([Self.names], completion: $0)
        }
        return tables[0].map { $0.text() }
    }

    private func answer(
        _ fixture: StoreFixture, _ statement: Statement
    ) throws -> Result<[ResultTable], StoreFailure> {
        try fixture.result { fixture.store.reading.transact([statement], completion: $0) }
    }

    @Test func `a frequent statement is prepared once, and answers the same`() throws {
        let fixture = try StoreFixture()
        let ids = try fixture.inboxes(["a.example", "b.example"]).map(\.id)
        for _ in 0..<4 {
            let rows: [InboxRow] = try fixture.answer {
                fixture.store.loadInboxes(ids, completion: $0)
            }
            #expect(rows.map(\.id).sorted() == ids)
        }
        let names = try kept(fixture)
        #expect(names.count == 2)
        #expect(names.count { $0.contains("where i.id = any ($1)") } == 1)
    }

    @Test func `another statement is not prepared`() throws {
        let fixture = try StoreFixture()
        for _ in 0..<3 { _ = try answer(fixture, Statement("select 1")).get() }
        #expect(try kept(fixture).isEmpty)
    }

    @Test func `what cannot be prepared fails as it would without a name, and alone`() throws {
        let fixture = try StoreFixture()
        for _ in 0..<3 {
            guard
                case .failure(.refused(sqlState: "42P01", _)) = try answer(
                    fixture, Statement(frequent: "select * from trunkline.nothing_there"))
            else {
                Issue.record("the table is there")
                return
            }
            _ = try answer(fixture, Statement("select 1")).get()
        }
        // It has come meanwhile: no name was given for a failure.
        try fixture.database.query("create table trunkline.nothing_there (n int)")
        let statement = Statement(frequent: "select * from trunkline.nothing_there")
        #expect(try answer(fixture, statement).get()[0].count == 0)
    }

    @Test func `a name that the server has lost costs one connection, and no refusal`() throws {
        let fixture = try StoreFixture()
        let id = try fixture.inboxes(["a.example"])[0].id
        func load() throws -> Result<[InboxRow], StoreFailure> {
            try fixture.result { fixture.store.loadInboxes([id], completion: $0) }
        }
        _ = try load().get()
        #expect(try kept(fixture).count == 2)
        _ = try answer(fixture, Statement("deallocate all")).get()
        guard case .failure(.away) = try load() else {
            Issue.record("the name was still known")
            return
        }
        fixture.turn(until: "connected again") { fixture.changes.last?.isReady == true }
        for _ in 0..<3 { #expect(try load().get().map(\.id) == [id]) }
        #expect(try kept(fixture).isEmpty, "names are tried again")
    }

    @Test func `what a kept plan answers may change its type`() throws {
        let fixture = try StoreFixture()
        try fixture.database.query(
            """
            create table trunkline.fans as
            select 'us' as audience, 'https://a.example/inbox' as inbox, null::text as shared_inbox
            """)
        func page() throws -> Result<[AudienceMember], StoreFailure> {
            try fixture.result {
                fixture.store.audiencePage(
                    relation: "trunkline.fans", name: "us", after: nil, limit: 10, completion: $0)
            }
        }
        for _ in 0..<3 { #expect(try page().get().count == 1) }
        #expect(try kept(fixture, by: \.gathering).count == 3)
        try fixture.database.query(
            "alter table trunkline.fans alter column inbox type varchar(500)")
        guard case .failure(.away) = try page() else {
            Issue.record("the plan was not kept")
            return
        }
        fixture.turn(until: "connected again") { fixture.changes.last?.isReady == true }
        for _ in 0..<3 { #expect(try page().get().count == 1) }
        #expect(try kept(fixture, by: \.gathering).count == 3)
    }

    @Test func `a plan that is kept finds what a partition made later holds`() throws {
        let fixture = try StoreFixture()
        let inbox = try fixture.inboxes(["a.example"])[0].id
        func load(_ ids: [ActivityID]) throws -> [ActivityRow] {
            try fixture.answer { fixture.store.loadActivities(ids, completion: $0) }
        }
        // More often than the server tries plans of one use.
        for _ in 0..<8 { #expect(try load([ActivityID(rawValue: 1)]).isEmpty) }
        #expect(try kept(fixture).count == 2)
        // Yesterday, then today.
        for _ in 0..<2 { #expect(try fixture.number("select trunkline.drop_partitions(-1)") == 1) }
        #expect(try fixture.number("select trunkline.ensure_partitions()") > 0)
        let id = try fixture.stored(.sample("note", to: [inbox]))
        #expect(try load([id]).map(\.id) == [id])
    }

    @Test func `what was planned when there were few rows reads them by index`() throws {
        let fixture = try StoreFixture()
        let inbox = try fixture.inboxes(["a.example"])[0].id
        let id = try fixture.stored(.sample("note", to: [inbox]))
        func sequentialScans() throws -> Int {
            let flush = Statement("select pg_stat_force_next_flush()")
            let store = fixture.store
            for connection in [store.reading, store.expanding, store.gathering] {
                let _: [ResultTable] = try fixture.answer {
                    connection.transact([flush], completion: $0)
                }
            }
            return try fixture.number(
                """
                select coalesce(sum(seq_scan), 0) from pg_stat_user_tables
                where relname like 'activity\\_%'
                    or relname in ('follower', 'host', 'inbox', 'server_life')
                """)
        }
        let before = try sequentialScans()
        for number in 0..<8 {
            _ = try fixture.stored(.sample("\(number)", to: [inbox]))
            let rows: [ActivityRow] = try fixture.answer {
                fixture.store.loadActivities([id], completion: $0)
            }
            #expect(rows.map(\.id) == [id])
            #expect(try fixture.inboxes(["a.example"])[0].id == inbox)
            let found: [InboxRow] = try fixture.answer {
                fixture.store.loadInboxes([inbox], completion: $0)
            }
            #expect(found.map(\.id) == [inbox])
            for after in [nil, "https://"] {
                let page: [AudienceMember] = try fixture.answer {
                    fixture.store.audiencePage(
                        name: "us", after: after, limit: 10, completion: $0)
                }
                #expect(page.isEmpty)
            }
        }
        #expect(try sequentialScans() == before)
        let lookups = try fixture.number(
            """
            select sum(u.idx_scan) from pg_stat_user_indexes u
            join pg_index x on x.indexrelid = u.indexrelid
            where u.relname like 'activity\\_%' and x.indpred is not null
            """)
        #expect(lookups >= 8, "whether a Delete is on record")
        let careless = Statement(
            "select body from trunkline.activity where id = any ($1)", [.bigints([id.rawValue])])
        let generic = Statement("select set_config('plan_cache_mode', 'force_generic_plan', true)")
        let _: [ResultTable] = try fixture.answer {
            fixture.store.reading.transact([generic, careless], completion: $0)
        }
        #expect(try sequentialScans() > before, "there is nothing to mend any more")
    }

    @Test func `behind a transaction pooler nothing is prepared`() throws {
        let server = PostgresServer.shared
        let bouncer = try PgBouncer(before: server.directory, role: "postgres", connections: 2)
        let fixture = try StoreFixture(behind: bouncer)
        let ids = try fixture.inboxes(["a.example"]).map(\.id)
        for number in 0..<4 {
            let rows: [InboxRow] = try fixture.answer {
                fixture.store.loadInboxes(ids, completion: $0)
            }
            #expect(rows.map(\.id) == ids)
            _ = try fixture.stored(.sample("note \(number)", to: ids))
            #expect(try kept(fixture).isEmpty)
        }
    }
}
