internal import DeliveryCore
internal import HTTPSignatures
internal import PostgresStore
internal import SigningKeys

/// Where keys come from: the ring of parsed ones, then a directory of PEM files, then PostgreSQL.
///
/// A key that was replaced or removed signs until its source has answered: a delivery that was
/// prepared never waits for that.
final class KeySource {
    /// How often the file of a key in use is looked at.
    static let fileInterval: Duration = .seconds(10)
    /// Pause after PostgreSQL could not be asked about changed keys.
    static let retryPause: Duration = .seconds(1)
    /// Keys that one question asks for.
    static let questionLimit = 1_000

    var ring: KeyRing
    private let files: KeyFiles?
    private let store: PostgresStore
    private let now: () -> Instant
    private let onFlaw: (String) -> Void
    private let onFailure: (StoreFailure) -> Void
    /// Changed ones that PostgreSQL is being asked for.
    private var asking: Set<KeyID> = []
    private var silentUntil = Instant(nanoseconds: .min)

    init(
        directory: KeyDirectory?, store: PostgresStore, multiBuffer: MultiBufferSigner?,
        now: @escaping () -> Instant,
        onFlaw: @escaping (String) -> Void, onFailure: @escaping (StoreFailure) -> Void
    ) {
        ring = KeyRing(doubtLifetime: .seconds(10), multiBuffer: multiBuffer)
        files = directory.map { KeyFiles($0, interval: Self.fileInterval) }
        self.store = store
        self.now = now
        self.onFlaw = onFlaw
        self.onFailure = onFailure
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
        if doubting { for key in keys { ring.forgetDoubt(key) } }
        refresh(keys)
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

    /// Keys were added, replaced or removed: what is believed missing or broken is forgotten at
    /// once; a key that signs is asked for again when it is next used.
    func sourcesChanged() { ring.sourcesChanged() }

    /// Asks anew for those of the keys in use that may have changed, beside what goes on.
    func refresh(_ keys: Set<KeyID>) {
        var outdated: Set<KeyID> = []
        for key in keys {
            let fileChanged = files?.hasChanged(key, now: now()) == true
            guard fileChanged || ring.isOutdated(key) else { continue }
            guard isKnown(key) else { continue }
            if !readFile(of: key) { outdated.insert(key) }
        }
        guard now() >= silentUntil else { return }
        let question = Set(outdated.subtracting(asking).prefix(Self.questionLimit))
        guard !question.isEmpty else { return }
        asking.formUnion(question)
        store.loadKeys(question.map(\.text).sorted()) { [weak self] result in
            guard let self else { return }
            asking.subtract(question)
            switch result {
            case .success(let rows): insert(rows, askedFor: question)
            case .failure(let failure):
                silentUntil = now() + Self.retryPause
                onFailure(failure)
            }
        }
    }

    /// True when the directory has the last word on the key.
    ///
    /// A file that is no key, or cannot be read, takes no good key away: it may be half written.
    private func readFile(of key: KeyID) -> Bool {
        guard let files else { return false }
        do throws(KeyDirectory.Flaw) {
            guard let pem = try files.read(key, now: now()) else { return false }
            if isKnown(key), let refusal = Self.refusal(of: pem) {
                onFlaw("the file of the key \(key) has changed and cannot sign: \(refusal)")
                ring.confirm(key)
            } else {
                ring.insert(key, pem: pem, now: now())
            }
            return true
        } catch {
            onFlaw(error.description)
            if isKnown(key) { ring.confirm(key) }
            return isKnown(key)
        }
    }

    private func isKnown(_ key: KeyID) -> Bool {
        if case .known = ring.knowledge(of: key, now: now()) { true } else { false }
    }

    private static func refusal(of pem: [UInt8]) -> KeyRefusal? {
        do throws(KeyRefusal) {
            _ = try PrivateKey(pem: pem)
            return nil
        } catch {
            return error
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
                reasons[key] =
                    "no key \(key); add it with: trunkline keys add --key-id \(key) --pem FILE"
            case .broken(let refusal):
                reasons[key] = "the key \(key) cannot sign: \(refusal)"
            }
        }
        return reasons
    }
}
