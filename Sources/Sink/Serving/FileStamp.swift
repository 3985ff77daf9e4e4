import Glibc

/// What tells whether a file was written since it was last read.
struct FileStamp: Equatable, Sendable {
    let inode: UInt64
    let bytes: Int
    let modifiedNanoseconds: Int64

    /// Nil when there is no such file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        inode = UInt64(status.st_ino)
        bytes = Int(status.st_size)
        modifiedNanoseconds =
            Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }
}
