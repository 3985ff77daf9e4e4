/// A primary and its streaming replica, on Unix sockets.
///
/// Replication is synchronous: a test of what our side does at a promotion must not depend on what
/// the replica has missed.

import Foundation
import Supervision

package final class PostgresPair {
    private static let programs = "/usr/lib/postgresql/15/bin"
    package let directory: String
    private var primary: ChildProcess?
    private var standby: ChildProcess?

    package init() throws {
        directory = "/tmp/trunkline-pair-\(UUID().uuidString.prefix(8))"
        for name in ["", "/a", "/b"] {
            try FileManager.default.createDirectory(
                atPath: directory + name, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o755])
        }
        try run("chown -R postgres \(directory)", asPostgres: false)
        try run("\(Self.programs)/initdb -D a/data -A trust -U postgres -E UTF8 --no-sync")
        primary = try start("a")
        try ask("a", "create database trunkline")
        try run(
            "\(Self.programs)/pg_basebackup -D b/data -R -h \(directory)/a -U postgres -c fast -X stream"
        )
        standby = try start("b")
        try Patience.wait("the replica streams") {
            try ask("a", "select count(*) from pg_stat_replication where state = 'streaming'")
                == "1"
        }
        try ask("a", "alter system set synchronous_standby_names = '*'")
        try ask("a", "select pg_reload_conf()")
        try Patience.wait("the replica is synchronous") {
            try ask("a", "select sync_state from pg_stat_replication") == "sync"
        }
    }

    deinit {
        for process in [primary, standby] { process?.terminate(signal: SIGKILL, grace: .zero) }
        // The backends end when they see that their postmaster has.
        _ = try? run("rm -rf \(directory)", asPostgres: false)
    }

    /// For who should follow a promotion.
    package var connectionString: String {
        "host=\(directory)/a,\(directory)/b user=postgres dbname=trunkline "
            + "target_session_attrs=read-write connect_timeout=3"
    }

    /// SIGKILL of the primary, and the replica takes its place.
    package func failOver() throws {
        primary?.terminate(signal: SIGKILL, grace: .zero)
        primary = nil
        try ask("b", "select pg_promote()")
    }

    /// One value.
    @discardableResult
    package func ask(_ server: String, _ sql: String) throws -> String {
        let result = try Program.run(
            [
                "\(Self.programs)/psql", "-h", "\(directory)/\(server)", "-U", "postgres", "-X",
                "-A", "-t", "-c", sql, "postgres",
            ])
        guard result.code == 0 else { throw RedisNode.Failure(description: result.errors) }
        return result.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func start(_ name: String) throws -> ChildProcess {
        let arguments =
            ["-D", "\(directory)/\(name)/data"]
            + [
                "listen_addresses=", "unix_socket_directories=\(directory)/\(name)", "fsync=off",
                "max_connections=60", "shared_buffers=16MB",
            ].flatMap { ["-c", $0] }
        let process = try ChildProcess(
            postgresCommand(
                "\(Self.programs)/postgres", arguments, in: directory,
                log: "\(directory)/\(name).log"))
        try Patience.wait("PostgreSQL \(name) starts, see \(directory)/\(name).log") {
            (try? ask(name, "select 1")) == "1"
        }
        return process
    }

    private func run(_ command: String, asPostgres: Bool = true) throws {
        let user = asPostgres && getuid() == 0
        let result = try Program.run(
            (user ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [])
                + ["/bin/sh", "-c", command], in: directory)
        guard result.code == 0 else {
            throw RedisNode.Failure(description: "\(command): \(result.errors)")
        }
    }
}

/// PostgreSQL and pgbouncer refuse to run as root.
func postgresCommand(
    _ program: String, _ arguments: [String], in directory: String, log: String
) -> Command {
    let words =
        getuid() == 0
        ? ["--reuid=postgres", "--regid=postgres", "--clear-groups", program] : []
    return Command(
        path: getuid() == 0 ? "/usr/bin/setpriv" : program, arguments: words + arguments,
        workingDirectory: directory, output: .appended(to: log))
}
