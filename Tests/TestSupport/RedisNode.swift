/// A redis-server on a port of loopback: one of several that belong together.

import Foundation
package import RedisQueue
import Supervision

package final class RedisNode {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package let port: Int
    private let directory: String
    private let arguments: [String]
    private var process: ChildProcess?

    package var address: ServerAddress { .tcp(host: "127.0.0.1", port: port) }
    package var log: String { "\(directory)/\(port).log" }

    /// - Parameters:
    ///   - directory: of a fleet; what the node writes bears its port.
    ///   - arguments: of redis-server, a file first if there is one.
    package init(port: Int, in directory: String, _ arguments: [String]) throws {
        self.port = port
        self.directory = directory
        self.arguments = arguments
        try start()
    }

    /// SIGKILL at the latest here: a child that runs when its last reference goes is killed.
    deinit { process = nil }

    /// Returns when it answers.
    package func start() throws {
        let own = "\(directory)/\(port)"
        try FileManager.default.createDirectory(
            atPath: own, withIntermediateDirectories: true)
        process = try ChildProcess(
            Command(
                path: "/usr/bin/redis-server",
                arguments: arguments + [
                    "--port", "\(port)", "--bind", "127.0.0.1", "--dir", own, "--daemonize", "no",
                ],
                output: .appended(to: log)))
        try Patience.wait("redis-server at \(port) answers, see \(log)") {
            (try? client().command(["PING"])) != nil
        }
    }

    /// SIGKILL, and gone when this returns.
    package func kill() {
        process?.terminate(signal: SIGKILL, grace: .seconds(10))
        process = nil
    }

    package var isRunning: Bool { process?.isRunning ?? false }

    /// The process stands still; its port still accepts.
    package func freeze() { process?.send(signal: SIGSTOP) }
    package func thaw() { process?.send(signal: SIGCONT) }

    package func client() throws -> RedisClient {
        try RedisClient(
            endpoint: RedisEndpoint(place: .server(address)), timeout: .seconds(2))
    }

    @discardableResult
    package func command(_ words: String...) throws -> RedisReply {
        try client().command(words)
    }
}

/// Looks again and again until something has come true.
package enum Patience {
    package static func wait(
        _ what: @autoclosure () -> String, within limit: Duration = .seconds(20),
        until condition: () throws -> Bool
    ) throws {
        let deadline = ContinuousClock.now + limit
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                throw RedisNode.Failure(description: "not within \(limit): \(what())")
            }
            poll(nil, 0, 10)
        }
    }
}
