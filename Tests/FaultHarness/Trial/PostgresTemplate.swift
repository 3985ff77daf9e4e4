import Glibc
import Supervision

/// A cluster with the schema in it, made once and copied for each trial: initdb takes seconds.
enum PostgresTemplate {
    private static let made = Result { try make() }

    /// Makes `directory` what an ``EmbeddedPostgres`` has there after its first start.
    static func copy(to directory: String) throws {
        try Program.run("/bin/cp", ["-a", "\(made.get().path)/postgres", directory])
    }

    private static func make() throws -> Scratch {
        let scratch = try Scratch()
        let postgres = try EmbeddedPostgres(directory: scratch.path)
        try Program.run(Program.trunkline, ["migrate", "--database", postgres.connectionString])
        postgres.stop()
        // A static value has no end of its own.
        atexit { PostgresTemplate.remove() }
        return scratch
    }

    private static func remove() {
        _ = try? Program.run("/bin/rm", ["-rf", "--", made.get().path])
    }
}
