/// A private PostgreSQL: socket directory `DIR`, database `trunkline`, data in `DIR/postgres`,
/// messages in `DIR/postgres.log`.
///
/// It listens on a Unix socket only, and lets in the invoking user alone (peer), as superuser. The
/// socket stands in the data directory, since `DIR` need not belong to the server's user; a link
/// in `DIR` leads to it. A server that a killed supervisor left behind is stopped, not taken over,
/// at the next start in the same directory.

internal import Glibc

package final class EmbeddedPostgres: EmbeddedService {
    package static let title = "PostgreSQL"

    private var server: EmbeddedServer
    private let account: PostgresAccount
    private let programs: Programs
    private let settings: [String: String]

    private struct Programs {
        let initdb: String
        let postgres: String
    }

    /// Makes the cluster if there is none, and starts the server.
    ///
    /// - Parameter settings: further settings, which win over ours (tests: `fsync=off`).
    package init(
        directory: String, settings: [String: String] = [:]
    ) throws(EmbeddedServiceError) {
        let debian = debianPostgresDirectories()
        programs = Programs(
            initdb: try findProgram("initdb", package: "postgresql", before: debian),
            postgres: try findProgram("postgres", package: "postgresql", before: debian))
        account = try PostgresAccount()
        self.settings = settings
        server = try EmbeddedServer("postgres", in: directory)
        try start()
    }

    /// What `--database` takes (libpq).
    package var connectionString: String {
        let host = socketDirectory.map { $0 == "\\" || $0 == "'" ? "\\\($0)" : "\($0)" }.joined()
        return "host='\(host)' dbname=trunkline"
    }

    package var socketDirectory: String { server.directory.path }

    package var logPath: String { server.log.path }

    package var isRunning: Bool { server.process?.isRunning ?? false }

    /// nil while the server is stopped.
    package var process: ChildProcess? { server.process }

    /// Starts the server again after `stop` or `kill`; does nothing while it runs.
    package func start() throws(EmbeddedServiceError) {
        if isRunning { return }
        StrayProcesses(
            program: "postgres", workingDirectory: data, pidFile: "\(data)/postmaster.pid"
        ).stop(signal: SIGINT, grace: .seconds(30))
        if !fileExists(data) { try makeCluster() }
        try linkSocket()
        var arguments = ["-D", data]
        for (name, value) in allSettings { arguments += ["-c", "\(name)=\(value)"] }
        let command = account.command(
            programs.postgres, arguments, reaching: data, log: server.log.path)
        // Recovery after a crash replays the log since the last checkpoint.
        try server.start(command, limit: .seconds(300)) { [data] process in
            // What pg_ctl reads, too: line 1 is the process number, line 8 its state.
            let lines = readFile("\(data)/postmaster.pid")?
                .split(separator: "\n", omittingEmptySubsequences: false)
            guard let lines, lines.count > 7 else { return false }
            return Int32(lines[0]) == process.pid && lines[7].hasPrefix("ready")
        }
    }

    /// Ends all sessions and writes everything out (fast shutdown); killed after 30 s.
    package func stop() { server.stop(signal: SIGINT, grace: .seconds(30)) }

    /// SIGKILL: the next start recovers what was committed.
    package func kill() { server.stop(signal: SIGKILL, grace: .seconds(30)) }

    package func restart() throws(EmbeddedServiceError) {
        stop()
        try start()
    }

    private var data: String { server.directory.file("postgres") }

    private var allSettings: [(String, String)] {
        let ours = [
            "listen_addresses": "", "unix_socket_directories": ".", "port": "5432",
            "logging_collector": "off", "log_destination": "stderr",
        ]
        return ours.merging(settings) { $1 }.sorted { $0.key < $1.key }
    }

    /// Makes the cluster and the database beside their place and moves them there when they are
    /// whole, so that an interrupted start leaves nothing that looks like a cluster.
    private func makeCluster() throws(EmbeddedServiceError) {
        let unfinished = data + ".unfinished"
        try server.run(
            Command(path: "/bin/rm", arguments: ["-rf", "--", unfinished]), limit: .seconds(60))
        _ = try server.directory.makeDirectory("postgres.unfinished")
        try account.own(unfinished)
        let initdb = [
            "-D", unfinished, "--username=\(account.role)", "--auth-local=peer",
            "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--no-instructions",
        ]
        try server.run(
            account.command(
                programs.initdb, initdb, reaching: unfinished, log: server.log.path),
            limit: .seconds(120))
        // Single-user mode needs no socket, no password and no client program.
        var create = account.command(
            programs.postgres, ["--single", "-D", unfinished, "postgres"], reaching: unfinished,
            log: server.log.path)
        create.input = .text("create database trunkline\n")
        try server.run(create, limit: .seconds(60))
        guard rename(unfinished, data) == 0 else {
            throw .system(SystemFailure("rename \(unfinished)"))
        }
    }

    private func linkSocket() throws(EmbeddedServiceError) {
        let link = server.directory.file(".s.PGSQL.5432")
        let target = "postgres/.s.PGSQL.5432"
        if readLink(link) == target { return }
        unlink(link)
        guard symlink(target, link) == 0 else { throw .system(SystemFailure("link \(link)")) }
    }
}
