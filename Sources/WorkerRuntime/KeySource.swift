internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore
internal import SigningKeys

/// Where keys come from: the ring of parsed ones, then a directory of PEM files, then PostgreSQL.
final class KeySource {
    var ring = KeyRing(doubtLifetime: .seconds(10))
    /// Keys that were missing or broken when last looked at.
    private var doubted: Set<KeyID> = []
    private let directory: KeyDirectory?
    private let store: PostgresStore
    private let now: () -> Instant
    private let onFlaw: (String) -> Void

    init(
        directory: KeyDirectory?, store: PostgresStore, now: @escaping () -> Instant,
        onFlaw: @escaping (String) -> Void
    ) {
        self.directory = directory
        self.store = store
        self.now = now
        self.onFlaw = onFlaw
    }

    /// Learns of every key of a batch, with one question to PostgreSQL at most, then says which
    /// of them cannot sign and why, in words.
    ///
    /// - Parameter doubting: asks anew about keys that were missing or broken. Deliveries were
    ///   routed, so somebody has seen the key: this worker may only not have heard that it came.
    func learn(
        _ keys: Set<KeyID>, doubting: Bool = false,
        completion: @escaping (Result<[KeyID: String], StoreFailure>) -> Void
    ) {
        if doubting {
            for key in doubted.intersection(keys) { ring.invalidate(key) }
            doubted.subtract(keys)
        }
        let unknown = keys.filter { ring.knowledge(of: $0, now: now()) == nil }
        let absent = unknown.filter { !readFile(of: $0) }
        guard !absent.isEmpty else { return completion(.success(unusable(of: keys))) }
        store.loadKeys(absent.map(\.text).sorted()) { [weak self] result in
            guard let self else { return }
            completion(
                result.map { rows in
                    self.insert(rows, askedFor: absent)
                    return self.unusable(of: keys)
                })
        }
    }

    /// Forgets what is believed to be missing or broken, so that a mended key is found at once.
    func forgetDoubts() {
        for key in doubted { ring.invalidate(key) }
        doubted.removeAll()
    }

    private func readFile(of key: KeyID) -> Bool {
        guard let directory else { return false }
        do throws(KeyDirectory.Flaw) {
            guard let pem = try directory.pem(of: key) else { return false }
            ring.insert(key, pem: pem, now: now())
            return true
        } catch {
            onFlaw(error.description)
            return false
        }
    }

    private func insert(_ rows: [StoredKey], askedFor keys: Set<KeyID>) {
        var pems: [String: [UInt8]] = [:]
        for row in rows { pems[row.keyID] = Array(row.pem.utf8) }
        for key in keys {
            if let pem = pems[key.text] {
                ring.insert(key, pem: pem, now: now())
            } else {
                ring.insertMissing(key, now: now())
            }
        }
    }

    private func unusable(of keys: Set<KeyID>) -> [KeyID: String] {
        var reasons: [KeyID: String] = [:]
        for key in keys {
            switch ring.knowledge(of: key, now: now()) {
            case .known: break
            case .missing, nil:
                doubted.insert(key)
                reasons[key] =
                    "no key \(key); add it with: trunkline keys add --key-id \(key) --pem FILE"
            case .broken(let refusal):
                doubted.insert(key)
                reasons[key] = "the key \(key) cannot sign: \(refusal)"
            }
        }
        return reasons
    }
}
