/// The user that PostgreSQL runs as, and the role that the invoking user has in it.
///
/// PostgreSQL refuses to run as root. Root's server therefore runs as Debian's `postgres` user,
/// through `setpriv`, which replaces itself with the server; its one role is `root`.

internal import Glibc

struct PostgresAccount {
    /// The invoking user's name: peer authentication lets in the role of the same name.
    let role: String
    /// nil: the invoking user itself.
    private let server: Server?

    private struct Server {
        let user: uid_t
        let group: gid_t
        let setpriv: String
    }

    init() throws(EmbeddedServiceError) {
        guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else {
            throw .missingUser("with the number \(geteuid())", package: "postgresql")
        }
        role = String(cString: name)
        guard geteuid() == 0 else {
            server = nil
            return
        }
        guard let postgres = getpwnam("postgres") else {
            throw .missingUser("postgres", package: "postgresql")
        }
        server = Server(
            user: postgres.pointee.pw_uid, group: postgres.pointee.pw_gid,
            setpriv: try findProgram("setpriv", package: "util-linux"))
    }

    func own(_ directory: String) throws(EmbeddedServiceError) {
        guard let server else { return }
        guard chown(directory, server.user, server.group) == 0 else {
            throw .system(SystemFailure("change the owner of \(directory)"))
        }
    }

    /// - Parameter directory: what the program must be able to reach.
    func command(
        _ program: String, _ arguments: [String], reaching directory: String, log: String
    ) -> Command {
        guard let server else {
            return Command(
                path: program, arguments: arguments, workingDirectory: "/",
                output: .appended(to: log))
        }
        var prefix = ["--reuid=\(server.user)", "--regid=\(server.group)", "--init-groups"]
        if let capability = capabilityNeeded(toReach: directory, server) {
            prefix += ["--inh-caps=+\(capability)", "--ambient-caps=+\(capability)"]
        }
        return Command(
            path: server.setpriv, arguments: prefix + ["--", program] + arguments,
            workingDirectory: "/", output: .appended(to: log))
    }

    /// A state directory below one that is closed to others (`mktemp -d`, `/root`): its modes are
    /// not ours to change, so the server gets leave to pass through.
    private func capabilityNeeded(toReach directory: String, _ server: Server) -> String? {
        let test = Command(
            path: server.setpriv,
            arguments: [
                "--reuid=\(server.user)", "--regid=\(server.group)", "--init-groups", "--",
                "/usr/bin/test", "-x", directory,
            ])
        if let child = try? ChildProcess(test), child.wait() == .exited(0) { return nil }
        // Containers often lack the narrower one (bit 2 of CapEff, capabilities(7)).
        let narrow = effectiveCapabilities() & 1 << 2 != 0
        return narrow ? "dac_read_search" : "dac_override"
    }

    private func effectiveCapabilities() -> UInt64 {
        let line = readFile("/proc/self/status")?.split(separator: "\n")
            .first { $0.hasPrefix("CapEff:") }
        let digits = line?.split(whereSeparator: \.isWhitespace).last
        return digits.flatMap { UInt64($0, radix: 16) } ?? 0
    }
}
