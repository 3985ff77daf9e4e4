/// Debian's pgbouncer in transaction mode, before a PostgreSQL that listens on a Unix socket.

import Foundation
import Supervision

package final class PgBouncer {
    package static let program = "/usr/sbin/pgbouncer"
    private static let port = 6_432
    private let directory: String
    private let process: ChildProcess
    private let role: String

    /// - Parameters:
    ///   - socketDirectory: of PostgreSQL.
    ///   - role: as whom it, and whoever asks it, logs in.
    ///   - connections: to PostgreSQL, for all that come.
    package init(before socketDirectory: String, role: String, connections: Int) throws {
        self.role = role
        directory = "/tmp/trunkline-bouncer-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o777])
        let file = "\(directory)/pgbouncer.ini"
        try """
        [databases]
        * = host=\(socketDirectory)
        [pgbouncer]
        listen_port = \(Self.port)
        unix_socket_dir = \(directory)
        auth_type = trust
        auth_file = \(directory)/users
        pool_mode = transaction
        default_pool_size = \(connections)
        max_client_conn = 200

        """.write(toFile: file, atomically: true, encoding: .utf8)
        try "\"\(role)\" \"\"\n".write(
            toFile: "\(directory)/users", atomically: true, encoding: .utf8)
        let log = "\(directory)/log"
        process = try ChildProcess(
            postgresCommand(Self.program, [file], in: directory, log: log))
        try Patience.wait("pgbouncer listens, see \(log)") { [directory] in
            FileManager.default.fileExists(atPath: "\(directory)/.s.PGSQL.\(Self.port)")
        }
    }

    deinit {
        process.terminate(grace: .seconds(5))
        try? FileManager.default.removeItem(atPath: directory)
    }

    package func connectionString(_ database: String) -> String {
        "host=\(directory) port=\(Self.port) user=\(role) dbname=\(database)"
    }
}
