internal import DeliveryCore
internal import HTTPSignatures
internal import Transport

/// An activity as it is needed to send it, in memory while a delivery of it is open.
struct LoadedActivity {
    var facts: PreparedFacts.Activity
    var body: RequestBody
    /// SHA-256 of the body, made once: every delivery of the activity sends the same bytes.
    var digest: [UInt8]
    var key: KeyID
    var contentType: String
}

/// The activities whose deliveries are open. The machine says when one is needed no longer, and
/// bounds what is open, so nothing is evicted here.
struct ActivityShelf {
    private var activities: [ActivityID: LoadedActivity] = [:]

    subscript(id: ActivityID) -> LoadedActivity? {
        get { activities[id] }
        set { activities[id] = newValue }
    }

    var count: Int { activities.count }
}

/// Hashes that are the same in every process, so that traces can be compared.
extension SenderID {
    init(of key: KeyID) { self.init(rawValue: fnv1a(key.text.utf8)) }

    /// - Parameter text: a keyId of a stored activity: what cannot be one was refused before.
    init(stored text: String) { self = (try? KeyID(text)).map(SenderID.init(of:)) ?? .unknown }
}

extension OrderKey {
    init(of key: String, by sender: KeyID) {
        self.init(rawValue: fnv1a(key.utf8, after: fnv1a(sender.text.utf8)))
    }
}

extension ActivityKind {
    init(_ type: String) {
        switch type {
        case "Create", "Update": self = .revision
        case "Delete": self = .deletion
        default: self = .other
        }
    }
}

private func fnv1a(
    _ bytes: some Sequence<UInt8>, after start: UInt64 = 0xCBF2_9CE4_8422_2325
) -> UInt64 {
    bytes.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
