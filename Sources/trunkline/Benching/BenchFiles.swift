internal import Glibc
internal import Supervision

/// Files, programs and the environment, as a benchmark needs them.
enum BenchFiles {
    static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw unwritable(path) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw unwritable(path) }
            rest = rest.dropFirst(count)
        }
    }

    static func remove(_ directory: String) {
        let child = try? ChildProcess(
            Command(path: "/bin/rm", arguments: ["-rf", "--", directory]))
        child?.wait()
    }

    /// The small files of /proc; nil when it is gone.
    static func text(_ path: String) -> String? {
        (try? FileInput.bytes(of: path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Ours, without what was said to this command about an installation.
    static var environment: [String: String] {
        PoolConnection.inheritedEnvironment.filter { !$0.key.hasPrefix("TRUNKLINE_") }
    }

    private static func unwritable(_ path: String) -> CommandFailure {
        .failed("\(path) can't be written: \(String(cString: strerror(errno)))")
    }
}
