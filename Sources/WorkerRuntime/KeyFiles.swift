internal import DeliveryCore
internal import HTTPSignatures
internal import SigningKeys

/// The directory of PEM files, and which bytes of each are known.
final class KeyFiles {
    /// Files remembered; beyond it all are forgotten, and looked at again when they are used.
    static let limit = KeyRing.defaultLimit

    private struct Look {
        var at: Instant
        /// nil: there was no file.
        var stamp: KeyDirectory.Stamp?
    }

    private let directory: KeyDirectory
    private let interval: Duration
    private var looks: [KeyID: Look] = [:]

    init(_ directory: KeyDirectory, interval: Duration) {
        self.directory = directory
        self.interval = interval
    }

    /// Whether the file came, went or was written since it was read; looks once an interval.
    func hasChanged(_ key: KeyID, now: Instant) -> Bool {
        guard let look = looks[key] else { return true }
        guard now >= look.at + interval else { return false }
        let stamp = directory.stamp(of: key)
        note(key, Look(at: now, stamp: look.stamp))
        return stamp != look.stamp
    }

    /// The file's bytes; nil when there is none.
    func read(_ key: KeyID, now: Instant) throws(KeyDirectory.Flaw) -> [UInt8]? {
        // Stamped before it is read: a write in between shows at the next look.
        note(key, Look(at: now, stamp: directory.stamp(of: key)))
        return try directory.pem(of: key)
    }

    private func note(_ key: KeyID, _ look: Look) {
        if looks.count >= Self.limit, looks[key] == nil { looks.removeAll(keepingCapacity: true) }
        looks[key] = look
    }
}
