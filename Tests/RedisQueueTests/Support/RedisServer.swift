/// A real redis-server of its own, on a Unix socket in a directory of its own.

import Foundation
import Glibc
import RedisQueue

struct ServerFailure: Error {
    var reason: String
}

final class RedisServer {
    let directory: String
    private let arguments: [String]
    private var process: pid_t = 0

    var socket: String { directory + "/redis.sock" }
    var endpoint: RedisEndpoint { RedisEndpoint(place: .unix(path: socket)) }

    init(_ arguments: [String] = []) throws {
        var template = Array("/tmp/trunkline-redis-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServerFailure(reason: "mkdtemp: \(errno)") }
        directory = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.arguments = arguments
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Returns when the server accepts connections.
    func start() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ServerFailure(reason: "pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        // A server that outlives a crashed test run must not keep what the run was given: the
        // build lock came in as such a descriptor, and SIGTERM was blocked.
        for inherited in Int32(3)..<1_024 {
            posix_spawn_file_actions_addclose(&actions, inherited)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        posix_spawnattr_setsigmask(&attributes, &unblocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words =
            [
                "/usr/bin/redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
                "--dir", directory, "--logfile", "", "--loglevel", "notice",
            ] + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in argv { free(word) } }
        let status = posix_spawn(&process, words[0], &actions, &attributes, &argv, environ)
        close(ends[1])
        guard status == 0 else { throw ServerFailure(reason: "posix_spawn: \(status)") }

        var log = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while !log.contains("accept connections") {
            let count = read(ends[0], &buffer, buffer.count)
            guard count > 0 else {
                kill()
                throw ServerFailure(reason: "redis-server did not start: \(log)")
            }
            log += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    /// SIGKILL, and gone when this returns.
    func kill() {
        guard process != 0 else { return }
        Glibc.kill(process, SIGKILL)
        waitpid(process, nil, 0)
        process = 0
    }

    /// The process stands still; its socket still accepts.
    func freeze() { Glibc.kill(process, SIGSTOP) }
    func thaw() { Glibc.kill(process, SIGCONT) }

    func client(_ keys: QueueKeys = QueueKeys()) throws -> RedisClient {
        try RedisClient(endpoint: endpoint, keys: keys)
    }
}
