internal import Glibc

/// What a run writes for the programs that it starts, and they for it; gone with ``remove()``.
struct BenchDirectory {
    let path: String

    init() throws(CommandFailure) {
        let place = environment("TMPDIR") ?? "/tmp"
        // As mkdtemp(3) wants it: six letters X to be replaced.
        let letters = String(repeating: "X", count: 6)
        var template = Array("\(place)/trunkline-bench.\(letters)".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .failed(
                "no directory can be made in \(place): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Root's PostgreSQL runs as another user, who must get through.
        chmod(path, 0o711)
        mkdir(actors, 0o700)
    }

    /// Of the senders, as the sink reads them.
    var actors: String { file("actors") }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func remove() { BenchFiles.remove(path) }
}
