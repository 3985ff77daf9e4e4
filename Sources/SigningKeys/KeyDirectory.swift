internal import Glibc
package import HTTPSignatures

/// A directory of PEM files, one a key: the source for a worker without keys in PostgreSQL.
///
/// A file is named after its keyId: letters, digits, `-`, `.`, `_` and `~` stand for themselves,
/// every other byte is `%` and two upper-case hex digits, and `.pem` follows, so
/// `https://our.example/users/alice#main-key` is in
/// `https%3A%2F%2Four.example%2Fusers%2Falice%23main-key.pem`. A file is read when its key is asked
/// for; the directory is never listed, so millions of keys are fine.
package struct KeyDirectory: Sendable {
    /// `NAME_MAX` of Linux file systems, in bytes.
    package static let fileNameByteLimit = 255

    package enum Flaw: Error, Equatable, Sendable, CustomStringConvertible {
        case fileNameTooLong(keyID: KeyID)
        case notARegularFile(path: String)
        case tooLarge(path: String)
        /// The system's words, e.g. `Permission denied`.
        case unreadable(path: String, reason: String)

        package var description: String {
            switch self {
            case .fileNameTooLong(let keyID):
                "the key \(keyID) has no file: its encoded name is longer than "
                    + "\(KeyDirectory.fileNameByteLimit) bytes; store it in PostgreSQL instead"
            case .notARegularFile(let path): "\(path) is not a regular file; put the PEM there"
            case .tooLarge(let path):
                "\(path) is larger than \(PrivateKey.pemByteLimit) bytes; "
                    + "put the PEM of one private key there"
            case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
            }
        }
    }

    package let path: String

    package init(path: String) { self.path = path }

    /// Which bytes a file had: another write, or another file, gives another stamp.
    package struct Stamp: Equatable, Sendable {
        let seconds: Int
        let nanoseconds: Int
        let size: Int
        let node: UInt
    }

    /// The stamp of a key's file; nil when there is none, or it cannot be looked at.
    package func stamp(of keyID: KeyID) -> Stamp? {
        var status = stat()
        guard stat("\(path)/\(Self.fileName(of: keyID))", &status) == 0 else { return nil }
        return Stamp(
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
            size: Int(status.st_size), node: UInt(status.st_ino))
    }

    /// The PEM of a key; nil when there is no such file. Blocks for one read of a local file.
    package func pem(of keyID: KeyID) throws(Flaw) -> [UInt8]? {
        let name = Self.fileName(of: keyID)
        guard name.utf8.count <= Self.fileNameByteLimit else {
            throw .fileNameTooLong(keyID: keyID)
        }
        let file = "\(path)/\(name)"
        // O_NONBLOCK: opening a FIFO for reading would wait for a writer.
        let descriptor = retrying { open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw .unreadable(path: file, reason: lastError())
        }
        defer { close(descriptor) }
        return try Self.read(descriptor, file: file)
    }

    package static func fileName(of keyID: KeyID) -> String {
        var name: [UInt8] = []
        name.reserveCapacity(keyID.text.utf8.count * 3 / 2)
        for byte in keyID.text.utf8 {
            if isUnreserved(byte) {
                name.append(byte)
            } else {
                name += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: name, as: UTF8.self) + ".pem"
    }

    private static let hexDigits: [UInt8] = Array("0123456789ABCDEF".utf8)

    /// RFC 3986 section 2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func read(_ descriptor: Int32, file: String) throws(Flaw) -> [UInt8] {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: file, reason: lastError())
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: file) }
        // One byte more than the limit: enough to see that the file is beyond it.
        var bytes = [UInt8](repeating: 0, count: PrivateKey.pemByteLimit + 1)
        var count = 0
        while count < bytes.count {
            let taken = bytes.withUnsafeMutableBytes { buffer in
                retrying {
                    Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                }
            }
            if taken < 0 { throw .unreadable(path: file, reason: lastError()) }
            if taken == 0 { break }
            count += taken
        }
        guard count <= PrivateKey.pemByteLimit else { throw .tooLarge(path: file) }
        bytes.removeSubrange(count...)
        return bytes
    }
}

/// Repeats a system call that a signal interrupted.
private func retrying<Count: SignedInteger>(_ call: () -> Count) -> Count {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

private func lastError() -> String { String(cString: strerror(errno)) }
