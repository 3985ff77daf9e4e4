/// A private PostgreSQL in a temporary directory, on a Unix socket only.
///
/// A helper process waits for the end of a socket of ours: however the tests end, it stops the
/// server and removes the directory.

import Glibc
import PostgresStore
import Synchronization

final class PostgresServer: Sendable {
    static let shared = PostgresServer()

    private static let programs = "/usr/lib/postgresql/15/bin"
    let directory: String
    private let databases = Atomic<Int>(0)

    init() {
        var template = Array("/tmp/trunkline-postgres-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        // PostgreSQL refuses to run as root.
        if getuid() == 0 { shell("chown postgres \(directory)") }
        run("initdb -D data -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync")
        shell(
            """
            cat > \(directory)/data/postgresql.auto.conf <<END
            listen_addresses = ''
            unix_socket_directories = '\(directory)'
            max_connections = 200
            fsync = off
            END
            """)
        guardLife()
        start()
    }

    /// The connection string of a new, empty database.
    func makeDatabase() throws -> String {
        let name = "t\(databases.wrappingAdd(1, ordering: .relaxed).newValue)"
        let database = try Database(connectionString: connectionString("postgres"))
        try database.query("create database \(name)")
        return connectionString(name)
    }

    func start() { run("pg_ctl -D data -l log -w start") }

    /// Ends all connections at once, as a restart by an operator does.
    func stop() { run("pg_ctl -D data -w -m fast stop") }

    private func connectionString(_ database: String) -> String {
        "host=\(directory) user=postgres dbname=\(database)"
    }

    private func run(_ command: String) { shell(asPostgres(command)) }

    private func asPostgres(_ command: String) -> String {
        let user =
            getuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups " : ""
        return "cd \(directory) && \(user)\(Self.programs)/\(command) > /dev/null 2>&1"
    }

    private func guardLife() {
        var ends: [Int32] = [0, 0]
        // Close-on-exec, or the server itself would hold it open.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        precondition(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        _ = spawn(
            """
            trap '' INT TERM HUP; cat > /dev/null
            \(asPostgres("pg_ctl -D data -w -m immediate stop")); rm -rf \(directory)
            """, input: ends[0])
        close(ends[0])
    }
}

/// Runs a command; one that fails ends the tests. (Foundation's `Process` waits for every child
/// of the child too, and a server is one.)
private func shell(_ command: String) {
    let child = spawn(command, input: nil)
    var status: Int32 = 0
    while waitpid(child, &status, 0) == -1 && errno == EINTR {}
    precondition(status == 0, "'\(command)' failed: \(status)")
}

private func spawn(_ command: String, input: Int32?) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        for descriptor in [Int32(1), 2] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
        }
    }
    // A server that inherits a lock or a pipe from us would keep it for its own life.
    for descriptor in Int32(3)..<256 {
        posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var child: pid_t = 0
    let words = ["sh", "-c", command]
    let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    precondition(posix_spawn(&child, "/bin/sh", &actions, nil, arguments, environ) == 0)
    return child
}
