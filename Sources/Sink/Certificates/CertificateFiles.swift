import CSinkCrypto
import FoundationEssentials
import Glibc

/// The sink's CA and its one certificate, as files of the state directory.
///
/// `ca.pem` is what `trunkline run --ca-file` is given. Made when one of the files is missing,
/// does not fit the others or ends within a day; else used again, so that clients keep their
/// `ca.pem`. The CA's key is never written: nobody can have another name certified by it.
struct CertificateFiles: Sendable {
    let authority: String
    let certificate: String
    let key: String

    /// Creates the directory (0700: it holds a key) and whatever is missing in it.
    init(stateDirectory: String) throws {
        authority = "\(stateDirectory)/ca.pem"
        certificate = "\(stateDirectory)/server.pem"
        key = "\(stateDirectory)/server-key.pem"
        do {
            try FileManager.default.createDirectory(
                atPath: stateDirectory, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw SinkError("state directory \(stateDirectory): \(error)")
        }
        // Two sinks that start at once in one directory must not mix their files.
        let lock = open("\(stateDirectory)/.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else {
            let words = String(cString: strerror(errno))
            throw SinkError("state directory \(stateDirectory): \(words)")
        }
        defer { close(lock) }
        if !areUsable { try make() }
    }

    /// Whether the three files belong together and stay valid for a day.
    private var areUsable: Bool {
        guard let authority = Certificate(file: authority),
            let certificate = Certificate(file: certificate),
            let key = PrivateKey(file: key)
        else { return false }
        let tomorrow = time(nil) + 86_400
        return authority.isValid(at: tomorrow) && certificate.isValid(at: tomorrow)
            && certificate.isSigned(by: authority) && certificate.fits(key)
            && certificate.names("h1.fedi.localhost")
    }

    private func make() throws {
        let authorityKey = try PrivateKey()
        let authority = try Certificate(authorityWith: authorityKey)
        let key = try PrivateKey()
        let certificate = try Certificate(
            serverWith: key, signedBy: authority, authorityKey: authorityKey)
        try Self.write(try key.pem(), to: self.key, mode: 0o600)
        try Self.write(try certificate.pem(), to: self.certificate, mode: 0o644)
        try Self.write(try authority.pem(), to: self.authority, mode: 0o644)
    }

    /// Whole or not at all: written beside, then renamed.
    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let beside = "\(path).new"
        unlink(beside)
        let descriptor = open(beside, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count,
            rename(beside, path) == 0
        else { throw SinkError("\(path): \(String(cString: strerror(errno)))") }
    }
}
