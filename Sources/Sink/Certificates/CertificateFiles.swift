import CSinkCrypto
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
        try Self.makeDirectory(stateDirectory)
        // Two sinks that start at once in one directory must not mix their files.
        let lock = open("\(stateDirectory)/.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else {
            throw Self.unusable(stateDirectory)
        }
        defer { close(lock) }
        if !areUsable { try make() }
    }

    /// With whatever is missing above it. What exists and is no directory shows when it is used.
    private static func makeDirectory(_ path: String) throws {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += part + "/"
            if mkdir(made, 0o700) != 0, errno != EEXIST { throw unusable(path) }
        }
    }

    /// As `errno` has it.
    private static func unusable(_ directory: String) -> SinkError {
        SinkError(
            "the state directory \(directory) cannot be used: "
                + "\(String(cString: strerror(errno))); name a directory that this user may "
                + "write, or make, with --state-directory")
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
