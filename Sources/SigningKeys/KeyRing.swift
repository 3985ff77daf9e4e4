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
        /// nil: until it is invalidated or pushed out.
        var expires: Instant?
    }

    private var entries: LeastRecentlyUsed<KeyID, Entry>
    private let doubtLifetime: Duration

    package init(
        limit: Int = defaultLimit, doubtLifetime: Duration = defaultDoubtLifetime
    ) {
        entries = LeastRecentlyUsed(limit: limit)
        self.doubtLifetime = doubtLifetime
    }

    package var count: Int { entries.count }

    /// What is known of a key; nil: nothing, ask the source.
    package mutating func knowledge(of keyID: KeyID, now: Instant) -> Knowledge? {
        guard let entry = entries.value(for: keyID) else { return nil }
        if let expires = entry.expires, expires <= now {
            entries.removeValue(for: keyID)
            return nil
        }
        return entry.knowledge
    }

    /// Parses what the source has for a key.
    @discardableResult
    package mutating func insert(_ keyID: KeyID, pem: [UInt8], now: Instant) -> Knowledge {
        let entry: Entry
        do {
            entry = Entry(knowledge: .known(try PrivateKey(pem: pem)), expires: nil)
        } catch {
            entry = Entry(knowledge: .broken(error), expires: now + doubtLifetime)
        }
        entries.insert(entry, for: keyID)
        return entry.knowledge
    }

    /// Notes that the source has no such key.
    package mutating func insertMissing(_ keyID: KeyID, now: Instant) {
        entries.insert(Entry(knowledge: .missing, expires: now + doubtLifetime), for: keyID)
    }

    /// Forgets a key that was changed, added or deleted at its source.
    package mutating func invalidate(_ keyID: KeyID) { entries.removeValue(for: keyID) }
}
