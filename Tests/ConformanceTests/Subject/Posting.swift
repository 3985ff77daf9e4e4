import DeliveryCore
import Simulation

/// One entry of a producer, in words that both subjects understand.
struct Posting {
    /// Two with one number are one activity: the idempotency key.
    var number: Int
    var lane = Lane.normal
    var sender = 1
    var kind = TrafficKind.note
    /// What it is about: the ordering key.
    var object: Int
    /// Inboxes, by the number of their host; one host may occur more than once.
    var hosts: [Int]
    /// In whole seconds.
    var expires: WallTime?
    /// It cannot be parsed.
    var isMalformed = false

    init(_ number: Int, to hosts: [Int] = [1], _ change: (inout Posting) -> Void = { _ in }) {
        self.number = number
        self.hosts = hosts
        object = number
        change(&self)
    }

    static func update(_ number: Int, of object: Int, in lane: Lane = .normal) -> Posting {
        Posting(number) {
            $0.kind = .update
            $0.object = object
            $0.lane = lane
        }
    }

    /// As the simulation numbers them; the real ones are made by their URLs.
    var inboxes: [InboxID] {
        var seen: [Int: Int] = [:]
        return hosts.map { host in
            seen[host, default: 0] += 1
            return InboxID(host: HostID(rawValue: Int32(host)), number: seen[host, default: 0])
        }
    }

    var keyID: String { "https://our.example/users/\(sender)#main-key" }

    var type: String {
        switch kind {
        case .note, .poison: "Announce"
        case .create: "Create"
        case .update: "Update"
        case .delete: "Delete"
        }
    }

    /// Fields of the XADD that a producer sends (DESIGN.md section 3).
    var fields: [String] {
        if isMalformed { return ["activity", "no JSON at all"] }
        let activity = """
            {"id":"https://our.example/activities/\(number)","type":"\(type)",\
            "actor":"https://our.example/users/\(sender)","object":"https://our.example/\(object)"}
            """
        let to = inboxes.map { "\"\($0.url)\"" }.joined(separator: ",")
        var fields = [
            "activity", activity, "key", keyID, "to", "[\(to)]", "id", "posting:\(number)",
            "object", "https://our.example/\(object)",
        ]
        if let expires { fields += ["expires", "\(expires.milliseconds / 1_000)"] }
        return fields
    }
}
