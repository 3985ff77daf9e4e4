internal import Glibc

/// Reads files that are named on the command line; `-` is standard input.
enum FileInput {
    /// - Parameter limit: bytes; a larger file is refused before it fills the memory.
    /// - Throws: ``CommandFailure``, with the system's own reason.
    static func bytes(of path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
        let name = path == "-" ? "standard input" : path
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(name) }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(name) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw .failed("\(name) is larger than \(limit) bytes: that is more than is taken")
            }
        }
    }

    private static func unreadable(_ name: String) -> CommandFailure {
        .failed("\(name) can't be read: \(String(cString: strerror(errno)))")
    }
}
