/// Why an embedded server is not running: one sentence for an operator, with the mend.
package enum EmbeddedServiceError: Error, Equatable, Sendable, CustomStringConvertible {
    case missingProgram(String, package: String)
    case missingUser(String, package: String)
    case pathTooLong(String, limit: Int)
    case inUse(directory: String)
    /// `log`: the end of what the server wrote.
    case didNotStart(String, reason: String, log: String)
    case system(SystemFailure)

    package var description: String {
        switch self {
        case .missingProgram(let program, let package):
            """
            \(program) was not found: install it (Debian and Ubuntu: apt-get install \(package)), \
            or run without --embedded
            """
        case .missingUser(let user, let package):
            """
            PostgreSQL does not run as root, and there is no user \(user) to run it as: \
            install the package \(package), or start trunkline as an ordinary user
            """
        case .pathTooLong(let directory, let limit):
            """
            the state directory \(directory) is \(directory.utf8.count) bytes long; Unix sockets \
            in it allow at most \(limit): choose a shorter --state-directory
            """
        case .inUse(let directory):
            """
            another trunkline runs its embedded servers in \(directory): stop it, \
            or choose another --state-directory
            """
        case .didNotStart(let server, let reason, let log):
            "\(server) did not start: \(reason)" + (log.isEmpty ? "" : "; it wrote:\n\(log)")
        case .system(let failure): failure.description
        }
    }
}
