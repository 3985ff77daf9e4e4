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

extension SenderID {
    /// FNV-1a of the key id: the same in every process, so that traces can be compared.
    init(of key: KeyID) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.init(rawValue: hash)
    }
}
