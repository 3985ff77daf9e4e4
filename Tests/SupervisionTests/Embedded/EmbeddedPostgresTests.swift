import Glibc
import Supervision
import Testing

@Suite struct EmbeddedPostgresTests {
    let scratch = Scratch()
    static let fast = ["fsync": "off"]

    private func ask(_ server: EmbeddedPostgres, _ query: String) throws -> String {
        try scratch.run("/usr/bin/psql", "-XAtqc", query, server.connectionString)
    }

    @Test func `data survives a stop, a start, a kill and a start`() throws {
        let server = try EmbeddedPostgres(directory: scratch.path, settings: Self.fast)
        _ = try ask(server, "create table t as select 7 as n")
        server.stop()
        #expect(!server.isRunning)
        try server.start()
        _ = try ask(server, "insert into t values (8)")
        server.kill()
        #expect(access(scratch.file("postgres/postmaster.pid"), F_OK) == 0)
        try server.start()
        #expect(try ask(server, "select sum(n) from t") == "15")
        server.stop()
    }

    @Test func `the invoking user is superuser, in UTF-8 and the C locale`() throws {
        let server = try EmbeddedPostgres(directory: scratch.path, settings: Self.fast)
        let user = try scratch.run("/usr/bin/id", "-un")
        #expect(
            try ask(
                server,
                """
                select current_user, rolsuper, current_database(), pg_encoding_to_char(encoding),
                    datcollate, current_setting('listen_addresses'), current_setting('fsync')
                from pg_roles, pg_database
                where rolname = current_user and datname = current_database()
                """) == "\(user)|t|trunkline|UTF8|C||off")
        #expect(
            try scratch.run("/usr/bin/psql", "-h", scratch.path, "-XAtqc", "select 1", "trunkline")
                == "1")
        server.stop()
    }

    @Test(.enabled(if: geteuid() == 0, "takes root to become somebody else"))
    func `nobody else is let in`() throws {
        let open = Scratch(mode: 0o755)
        let server = try EmbeddedPostgres(directory: open.path, settings: Self.fast)
        #expect(throws: Scratch.Failure.self) {
            try open.run(
                "/usr/bin/psql", ["-h", open.path, "-c", "select 1", "trunkline"], as: "nobody")
        }
        server.stop()
    }

    @Test func `a server that its supervisor left behind is stopped, and its sessions with it`()
        throws
    {
        let server = try EmbeddedPostgres(directory: scratch.path, settings: Self.fast)
        // A session that does not notice at once that the server's first process is gone.
        let session = try ChildProcess(
            Command(
                path: "/usr/bin/psql",
                arguments: [
                    "-Xqc",
                    """
                    create table busy();
                    do $$ declare n bigint := 0; begin loop n := n + 1; end loop; end $$
                    """,
                    server.connectionString,
                ], output: .appended(to: scratch.file("session"))))
        let busy = """
            select count(*) from pg_stat_activity
            where state = 'active' and query like 'create table busy%'
            """
        try eventually { try ask(server, busy) == "1" }
        #expect(session.isRunning)
        server.kill()
        try server.start()
        session.wait()
        #expect(try ask(server, "select count(*) from pg_class where relname = 'busy'") == "0")
        server.stop()
    }

    @Test func `a directory is for one at a time`() throws {
        let server = try EmbeddedPostgres(directory: scratch.path, settings: Self.fast)
        #expect(throws: EmbeddedServiceError.inUse(directory: scratch.path)) {
            try EmbeddedPostgres(directory: scratch.path)
        }
        #expect(try ask(server, "select 1") == "1")
        server.stop()
    }

    @Test func `an initialisation that was cut short is begun again`() throws {
        #expect(mkdir(scratch.file("postgres.unfinished"), 0o700) == 0)
        try scratch.run("/usr/bin/touch", scratch.file("postgres.unfinished/PG_VERSION"))
        let server = try EmbeddedPostgres(directory: scratch.path, settings: Self.fast)
        #expect(try ask(server, "select 1") == "1")
        server.stop()
    }

    @Test func `odd characters in a directory's name do no harm`() throws {
        let directory = scratch.file(#"a "b" \ü 'c'"#)
        let server = try EmbeddedPostgres(directory: directory, settings: Self.fast)
        #expect(try ask(server, "select 1") == "1")
        server.stop()
    }

    @Test func `a setting that PostgreSQL refuses is shown in its words`() {
        let error = #expect(throws: EmbeddedServiceError.self) {
            try EmbeddedPostgres(directory: scratch.path, settings: ["no_such_setting": "1"])
        }
        #expect(error?.description.contains("no_such_setting") == true)
    }
}
