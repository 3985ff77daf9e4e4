/// A private Redis: `DIR/redis.sock`, data in `DIR/redis`, messages in `DIR/redis.log`.
///
/// It listens on the socket only. A server that a killed supervisor left behind is stopped, not
/// taken over, at the next start in the same directory: so its settings and its parent are always
/// those of this run. That loses nothing: at SIGTERM it writes its append-only file out.

internal import Glibc

package final class EmbeddedRedis: EmbeddedService {
    package static let title = "Redis"

    private var server: EmbeddedServer
    private let program: String
    private let configuration: [String]

    /// Starts the server.
    ///
    /// - Parameter configuration: further lines of redis.conf, which win over ours.
    package init(
        directory: String, configuration: [String] = []
    ) throws(EmbeddedServiceError) {
        program = try findProgram("redis-server", package: "redis-server")
        self.configuration = configuration
        server = try EmbeddedServer("redis", in: directory)
        try start()
    }

    package var socketPath: String { server.directory.file("redis.sock") }

    /// What `--redis` takes.
    package var url: String { "redis+unix://\(socketPath)" }

    package var logPath: String { server.log.path }

    package var isRunning: Bool { server.process?.isRunning ?? false }

    /// nil while the server is stopped.
    package var process: ChildProcess? { server.process }

    /// Starts the server again after `stop` or `kill`; does nothing while it runs.
    package func start() throws(EmbeddedServiceError) {
        if isRunning { return }
        let data = try server.directory.makeDirectory("redis")
        StrayProcesses(
            program: "redis-server", workingDirectory: data, pidFile: "\(data)/redis.pid"
        ).stop(signal: SIGTERM, grace: .seconds(10))
        let file = "\(data)/redis.conf"
        try write(configurationLines(data).joined(separator: "\n") + "\n", to: file)
        let command = Command(
            path: program, arguments: [file], workingDirectory: data,
            output: .appended(to: server.log.path))
        // Reading an append-only file of some GB back takes this long.
        try server.start(command, limit: .seconds(120)) { [socketPath] _ in
            answersPing(socketPath)
        }
    }

    /// Lets it write everything out; killed after 10 s.
    package func stop() { server.stop(signal: SIGTERM, grace: .seconds(10)) }

    /// SIGKILL: up to a second of writes is lost (appendfsync everysec), unless the kernel lives on.
    package func kill() { server.stop(signal: SIGKILL, grace: .seconds(10)) }

    package func restart() throws(EmbeddedServiceError) {
        stop()
        try start()
    }

    private func configurationLines(_ data: String) -> [String] {
        [
            "port 0",
            "unixsocket \(quoted(socketPath))",
            "unixsocketperm 700",
            "daemonize no",
            "pidfile \(quoted("\(data)/redis.pid"))",
            // Standard output, which is redis.log.
            "logfile \"\"",
            "dir \(quoted(data))",
            "appendonly yes",
            "appendfsync everysec",
            // The append-only file is enough; snapshots would only cost memory and disk.
            "save \"\"",
            "maxmemory-policy noeviction",
            // A stream node is allocated whole: 64 one-entry streams take 277 kB at the default
            // of 4096, 80 kB at this.
            "stream-node-max-bytes 1024",
        ] + configuration
    }

    private func write(_ text: String, to path: String) throws(EmbeddedServiceError) {
        guard let file = fopen(path, "we") else { throw .system(SystemFailure("write \(path)")) }
        let written = fputs(text, file)
        guard fclose(file) == 0, written >= 0 else {
            throw .system(SystemFailure("write \(path)"))
        }
    }
}

/// A value as redis.conf takes it, whatever bytes are in it.
private func quoted(_ value: String) -> String {
    var text = "\""
    for byte in value.utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
        case 0x20..<0x7F: text += String(UnicodeScalar(byte))
        default:
            let digits = String(byte, radix: 16)
            text += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
        }
    }
    return text + "\""
}

/// Whether a Redis answers `+PONG`: not while it still loads its data (`-LOADING`).
private func answersPing(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    let ping = Array("PING\r\n".utf8)
    guard connected == 0, send(descriptor, ping, ping.count, Int32(MSG_NOSIGNAL)) > 0,
        awaitReadable(descriptor, until: .now + .seconds(1))
    else { return false }
    var answer = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &answer, answer.count)
    return count > 0 && answer[..<count].starts(with: "+PONG".utf8)
}
