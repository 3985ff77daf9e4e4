import Glibc
import Supervision

/// A small file system in memory, that can be filled to the last byte.
final class Mount {
    private let directory: String
    private var filler: String { "\(directory)/filler" }

    /// - Throws: ``Fault/Skipped`` where mounting is not permitted.
    init(at directory: String, megabytes: Int) throws {
        self.directory = directory
        let outcome = try Program.outcome(
            of: "/usr/bin/mount",
            ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=755", "tmpfs", directory])
        guard outcome.exit == .exited(0) else {
            throw Fault.Skipped(reason: "needs root, to mount a small disk", words: outcome.output)
        }
    }

    deinit { umount2(directory, Int32(MNT_DETACH)) }

    /// Takes all the space that is left.
    func fill() throws {
        guard let file = fopen(filler, "we") else {
            throw Program.Failure("cannot write \(filler)")
        }
        let block = [UInt8](repeating: 0, count: 1 << 16)
        setvbuf(file, nil, _IONBF, 0)
        while fwrite(block, 1, block.count, file) == block.count {}
        fclose(file)
    }

    func empty() { unlink(filler) }
}
