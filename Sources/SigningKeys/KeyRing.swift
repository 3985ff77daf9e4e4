package import DeliveryCore
package import HTTPSignatures

/// The parsed keys of the senders at work, and what is known of those that have none.
///
/// It never reads a source: what it does not know (`nil`), the worker asks PostgreSQL or
/// ``KeyDirectory`` for and tells. Beyond the limit the key that was not used for longest goes, and
/// is parsed again when it is needed.
package struct KeyRing {
    /// Keys and absences that are kept; 10,000 RSA keys take 53 MB.
    package static let defaultLimit = 10_000
    /// For how long an absence or a broken key is believed. Short: somebody is mending it.
    package static let defaultDoubtLifetime: Duration = .seconds(60)

    package enum Knowledge {
        case known(PrivateKey)
        /// The source has no such key.
        case missing
        /// The source has one that cannot sign, and why.
        case broken(KeyRefusal)
    }

    private struct Entry {
        var knowledge: Knowledge
        /// SHA-256 of the PEM; empty without one.
        var fingerprint: [UInt8] = []
        /// ``KeyRing/edition`` when the source was asked.
        var edition: UInt64
        /// nil: until it is invalidated or pushed out.
        var expires: Instant?

        /// A doubt is void once the sources have changed; a key signs until its source is asked.
        func isBelieved(now: Instant, edition: UInt64) -> Bool {
            if case .known = knowledge { return true }
            return self.edition == edition && expires.map { now < $0 } != false
        }
    }

    private var entries: LeastRecentlyUsed<KeyID, Entry>
    private let doubtLifetime: Duration
    /// Signs RSA eight at a time, where the machine can.
    package let multiBuffer: MultiBufferSigner?
    /// How often the sources were changed, as far as we were told.
    private var edition: UInt64 = 0

    package init(
        limit: Int = defaultLimit, doubtLifetime: Duration = defaultDoubtLifetime,
        multiBuffer: MultiBufferSigner? = nil
    ) {
        entries = LeastRecentlyUsed(limit: limit)
        self.doubtLifetime = doubtLifetime
        self.multiBuffer = multiBuffer
    }

    package var count: Int { entries.count }

    /// What is known of a key; nil: nothing, ask the source.
    package mutating func knowledge(of keyID: KeyID, now: Instant) -> Knowledge? {
        guard let entry = entries.value(for: keyID) else { return nil }
        guard entry.isBelieved(now: now, edition: edition) else {
            entries.removeValue(for: keyID)
            return nil
        }
        return entry.knowledge
    }

    /// Parses what the source has for a key; the PEM that is known already is not parsed again.
    @discardableResult
    package mutating func insert(_ keyID: KeyID, pem: [UInt8], now: Instant) -> Knowledge {
        let fingerprint = SHA256.hash(pem)
        if var entry = entries.value(for: keyID), case .known = entry.knowledge,
            entry.fingerprint == fingerprint
        {
            entry.edition = edition
            entries.insert(entry, for: keyID)
            return entry.knowledge
        }
        var entry = Entry(knowledge: .missing, fingerprint: fingerprint, edition: edition)
        do {
            entry.knowledge = .known(try PrivateKey(pem: pem))
        } catch {
            entry.knowledge = .broken(error)
            entry.expires = now + doubtLifetime
        }
        entries.insert(entry, for: keyID)
        return entry.knowledge
    }

    /// Notes that the source has no such key.
    package mutating func insertMissing(_ keyID: KeyID, now: Instant) {
        let entry = Entry(knowledge: .missing, edition: edition, expires: now + doubtLifetime)
        entries.insert(entry, for: keyID)
    }

    /// Forgets a key that was changed, added or deleted at its source.
    package mutating func invalidate(_ keyID: KeyID) { entries.removeValue(for: keyID) }

    // MARK: Changes at the sources

    /// Voids all doubts, and makes every key ``isOutdated(_:)`` until it is inserted again.
    package mutating func sourcesChanged() { edition += 1 }

    /// Whether a key signs on, although its source has changed since it was asked.
    package mutating func isOutdated(_ keyID: KeyID) -> Bool {
        guard let entry = entries.value(for: keyID), case .known = entry.knowledge else {
            return false
        }
        return entry.edition != edition
    }

    /// The source has been asked, and what it said changes nothing.
    package mutating func confirm(_ keyID: KeyID) {
        guard var entry = entries.value(for: keyID) else { return }
        entry.edition = edition
        entries.insert(entry, for: keyID)
    }

    /// Forgets that a key is missing or broken; one that signs stays.
    package mutating func forgetDoubt(_ keyID: KeyID) {
        guard let entry = entries.value(for: keyID) else { return }
        if case .known = entry.knowledge { return }
        entries.removeValue(for: keyID)
    }
}
