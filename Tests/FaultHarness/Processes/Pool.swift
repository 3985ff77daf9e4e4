import Foundation
package import Supervision

/// `trunkline run`: a supervisor with its workers.
package final class Pool: Sendable {
    package let services: Services
    package let process: ChildProcess
    package let log: String

    /// A drain of 90 s, then 40 s for embedded servers, which a killed supervisor would leave.
    private static let grace: Duration = .seconds(150)

    /// Where Redis and PostgreSQL are.
    package enum Services: Sendable {
        case embedded(directory: String)
        case external(redis: String, database: String)
    }

    /// Returns when it says `ready`.
    ///
    /// - Parameters:
    ///   - namespace: the network namespace that it lives in; nil: the caller's.
    ///   - environment: in addition to the caller's.
    package init(
        _ services: Services, delivering sink: SinkProcess, in scratch: Scratch,
        workers: Int = 2, flags: [String] = [], namespace: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        self.services = services
        log = scratch.file("pool-\(UUID().uuidString.prefix(8)).log")
        var arguments = ["run", "--workers", "\(workers)", "--instance-domain", "our.example"]
        if case .embedded = services { arguments.append("--embedded") }
        arguments +=
            services.flags + [
                "--ca-file", sink.certificateAuthority, "--allow-address", "127.0.0.0/8",
                "--admin", "off",
            ]
        let inherited = services.environment ?? ProcessInfo.processInfo.environment
        process = try ChildProcess(
            Program.command(
                Program.trunkline, arguments + flags, in: namespace,
                environment: inherited.merging(environment) { $1 }, output: .appended(to: log)))
        try Poll.until("the pool is ready: \(contents(of: log))", within: .seconds(60)) {
            contents(of: log).split(separator: "\n").contains("ready")
        }
    }

    deinit {
        // Of a failed test, too.
        process.send(signal: SIGCONT)
        process.terminate(grace: Self.grace)
    }

    /// SIGTERM, and what came of it.
    @discardableResult
    package func drain() -> ProcessExit { process.terminate(grace: Self.grace) }

    /// What the log says of crashes and of drains that took too long; a run's own SIGKILL is none.
    package var faults: [Substring] {
        contents(of: log).split(separator: "\n").filter {
            ($0.contains("was killed by signal") && !$0.contains("signal 9"))
                || $0.contains("Fatal error") || $0.contains("Assertion")
                || $0.contains("has not drained in time")
        }
    }

    /// A command of the same binary, with this pool's connection.
    @discardableResult
    package func trunkline(_ arguments: [String]) throws -> String {
        try Program.run(
            Program.trunkline, arguments + services.flags, environment: services.environment)
    }

    /// Process numbers of its workers by incarnation, out of /proc.
    package func workers() throws -> [String: Int32] {
        var found: [String: Int32] = [:]
        for pid in Program.children(of: process.pid) {
            let arguments = contents(of: "/proc/\(pid)/cmdline").split(separator: "\0")
            guard arguments.dropFirst().first == "worker",
                let flag = arguments.firstIndex(of: "--incarnation"), flag + 1 < arguments.count
            else { continue }
            found[String(arguments[flag + 1])] = pid
        }
        return found
    }
}

extension Pool.Services {
    package var flags: [String] {
        switch self {
        case .embedded(let directory): ["--state-directory", directory]
        case .external: []
        }
    }

    /// Where anybody on the machine could read a password in the arguments.
    var environment: [String: String]? {
        guard case .external(let redis, let database) = self else { return nil }
        return ProcessInfo.processInfo.environment.merging([
            "TRUNKLINE_REDIS_URL": redis, "TRUNKLINE_DATABASE_URL": database,
        ]) { $1 }
    }

    package var redisURL: String {
        switch self {
        case .embedded(let directory): "redis+unix://\(directory)/redis.sock"
        case .external(let redis, _): redis
        }
    }

    package var connectionString: String {
        switch self {
        case .embedded(let directory): "host=\(directory) dbname=trunkline"
        case .external(_, let database): database
        }
    }
}
