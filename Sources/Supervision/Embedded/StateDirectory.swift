/// The directory that embedded servers keep their data, sockets and logs in.

internal import Glibc

struct StateDirectory {
    /// Absolute and free of links, as the kernel shows it in /proc.
    let path: String

    /// The longest path of the directory whose longest socket name still fits: `sun_path` is 108
    /// bytes with its terminating zero (unix(7)).
    static let pathLimit = 107 - "/.s.PGSQL.5432".utf8.count

    /// Makes the directory if it is missing: others may pass through it (the `postgres` user must,
    /// where root starts the servers), and not list it.
    init(_ path: String) throws(EmbeddedServiceError) {
        do {
            try Supervision.makeDirectory(path, mode: 0o711)
        } catch {
            throw .system(error)
        }
        guard let resolved = realpath(path, nil) else {
            throw .system(SystemFailure("resolve \(path)"))
        }
        self.path = String(cString: resolved)
        free(resolved)
        for path in [path, self.path] where path.utf8.count > Self.pathLimit {
            throw .pathTooLong(path, limit: Self.pathLimit)
        }
    }

    func file(_ name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

    func makeDirectory(_ name: String) throws(EmbeddedServiceError) -> String {
        do {
            try Supervision.makeDirectory(file(name), mode: 0o700)
        } catch {
            throw .system(error)
        }
        return file(name)
    }
}

/// The right to run one server in a state directory: an flock, so it ends with its holder, and it
/// is seen from other containers that share the directory.
struct ServiceLock: ~Copyable {
    private let descriptor: Int32

    init(_ service: String, in directory: StateDirectory) throws(EmbeddedServiceError) {
        let file = directory.file("\(service).lock")
        descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(SystemFailure("open \(file)")) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK
                ? .inUse(directory: directory.path)
                : .system(SystemFailure("lock \(file)", code: code))
        }
    }

    deinit { close(descriptor) }
}

/// The file that a server writes its messages to. It is put aside (`.1`) at a start that finds it
/// larger than 16 MiB; before that start it is not limited.
struct ServiceLog {
    let path: String

    init(_ service: String, in directory: StateDirectory) {
        path = directory.file("\(service).log")
        var status = stat()
        if stat(path, &status) == 0, status.st_size > 16 << 20 { rename(path, path + ".1") }
    }

    /// The last lines, for an error message.
    func end(lines: Int = 12) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        lseek(descriptor, max(-4_096, -lseek(descriptor, 0, SEEK_END)), SEEK_END)
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = max(read(descriptor, &buffer, buffer.count), 0)
        return String(decoding: buffer[..<count], as: UTF8.self)
            .split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}
