/// The few file operations that the embedded servers need, without Foundation.

internal import Glibc

/// The whole of a small text file, at most 64 KiB of it; nil when it can't be read.
func readFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while bytes.count < 65_536 {
        guard let count = uninterrupted({ read(descriptor, &buffer, buffer.count) }) else {
            return nil
        }
        if count == 0 { break }
        bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}

func readLink(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
}

func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// Makes a directory and those above it; one that exists keeps its mode.
func makeDirectory(_ path: String, mode: mode_t) throws(SystemFailure) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw SystemFailure("make \(path)")
    }
    try makeDirectory(String(path[..<slash]), mode: 0o755)
    if mkdir(path, mode) != 0, errno != EEXIST { throw SystemFailure("make \(path)") }
}
