import FoundationEssentials
import Glibc
import Synchronization

/// The public keys of the actors that may sign: `*.json` files of one directory.
///
/// Each file is `{"keyId": "...", "publicKeyPem": "..."}`. Parsed once. Read at start, and again
/// when an unknown key comes or one fails: at once if the directory changed, else at most every
/// 200 ms (directory times have the resolution of a timer tick, so a file can be missed by them).
final class KeyRing: Sendable {
    static let rescanMilliseconds: Int64 = 200
    /// Bigger files are no actors; what lies in the directory is not ours.
    static let maximumFileBytes = 1 << 20

    private struct Ring {
        var keys: [String: PublicKey] = [:]
        var files: [String: FileStamp] = [:]
        var directory: FileStamp?
        var scannedAt = Int64.min
    }

    private struct ActorFile: Decodable {
        let keyId: String
        let publicKeyPem: String
    }

    private let directory: String?
    private let log: SinkLog
    private let ring = Mutex(Ring())

    /// Without a directory every key is unknown; one that is not there is misspelt.
    init(directory: String?, log: SinkLog) throws(SinkError) {
        self.directory = directory
        self.log = log
        if let directory {
            guard let stream = opendir(directory) else {
                throw SinkError(
                    "the actors' directory \(directory) cannot be read "
                        + "(\(String(cString: strerror(errno)))): correct --actors")
            }
            closedir(stream)
        }
        ring.withLock { rescan(&$0) }
    }

    var count: Int { ring.withLock { $0.keys.count } }

    func key(for keyID: String) -> PublicKey? {
        ring.withLock { ring in
            if let key = ring.keys[keyID] { return key }
            rescanIfDue(&ring)
            return ring.keys[keyID]
        }
    }

    /// The key under this id, if it is another one than `key` by now.
    func newerKey(for keyID: String, than key: PublicKey) -> PublicKey? {
        ring.withLock { ring in
            rescanIfDue(&ring)
            guard let found = ring.keys[keyID], found.pem != key.pem else { return nil }
            return found
        }
    }

    private func rescanIfDue(_ ring: inout Ring) {
        guard let directory else { return }
        let changed = FileStamp(path: directory) != ring.directory
        let elapsed = SinkClock.steadyMilliseconds - ring.scannedAt
        if changed || elapsed >= Self.rescanMilliseconds { rescan(&ring) }
    }

    private func rescan(_ ring: inout Ring) {
        guard let directory else { return }
        ring.scannedAt = SinkClock.steadyMilliseconds
        ring.directory = FileStamp(path: directory)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names.sorted() where name.hasSuffix(".json") {
            let path = "\(directory)/\(name)"
            guard let stamp = FileStamp(path: path), stamp != ring.files[name] else { continue }
            ring.files[name] = stamp
            guard stamp.bytes <= Self.maximumFileBytes,
                let data = FileManager.default.contents(atPath: path),
                let file = try? JSONDecoder().decode(ActorFile.self, from: data),
                let key = PublicKey(pem: file.publicKeyPem)
            else {
                log.warn("actor file \(path): no keyId with the PEM of a public key in it")
                continue
            }
            ring.keys[file.keyId] = key
        }
    }
}
