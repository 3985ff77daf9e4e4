/// What is enqueued, by number: so that what is owed is known without keeping it.
///
/// One activity in fifty goes to all hosts, one in ten to a tenth of them, the others to one to
/// five: with 300 hosts twelve deliveries each on average.
package struct LoadPlan: Sendable {
    package let hosts: Int
    private let key: String
    private let port: Int

    package init(key: String, port: Int, hosts: Int = 300) {
        self.hosts = hosts
        self.key = key
        self.port = port
    }

    /// The hosts that get an activity.
    func targets(of number: Int) -> [Int] {
        let count =
            number % 50 == 7 ? hosts : number % 10 == 1 ? hosts / 10 : 1 + number / 10 % 5
        // A prime: neighbours in number do not go to neighbouring hosts.
        return (0..<count).map { (number * 7_919 + $0) % hosts }
    }

    func owed(by numbers: Range<Int>) -> Int { numbers.reduce(0) { $0 + targets(of: $1).count } }

    func lane(of number: Int) -> String { ["normal", "bulk", "normal", "urgent"][number % 4] }

    static func id(_ number: Int) -> String { "https://our.example/faults/\(number)" }

    func authority(_ host: Int) -> String { "f\(host).fedi.localhost:\(port)" }

    /// The entry's fields. It has an idempotency key: after an answer that never came it is
    /// enqueued once more.
    func entry(_ number: Int) -> [(String, String)] {
        let id = Self.id(number)
        let body = """
            {"@context":"https://www.w3.org/ns/activitystreams","id":"\(id)","type":"Create",\
            "actor":"https://our.example/users/alice",\
            "to":["https://www.w3.org/ns/activitystreams#Public"],\
            "object":{"id":"\(id)/note","type":"Note","content":"\(Self.content)"}}
            """
        let inboxes = targets(of: number).map { "https://\(authority($0))/inbox" }
        return [
            ("activity", body), ("key", key), ("to", jsonArray(inboxes)), ("id", "fault-\(number)"),
        ]
    }

    /// As long as a post.
    private static let content = String(repeating: "Grüße von unterwegs 🚋 ", count: 20)
}

/// A delivery of the load: an activity's number and a host's.
struct LoadDelivery: Hashable {
    let number: Int
    let host: Int

    /// Nil for what is none of the load's.
    init?(activity: some StringProtocol, inbox: some StringProtocol) {
        guard activity.hasPrefix(Self.activities), inbox.hasPrefix(Self.inboxes),
            let number = Int(activity.dropFirst(Self.activities.count)),
            let host = Int(inbox.dropFirst(Self.inboxes.count).prefix { $0 != "." })
        else { return nil }
        self.number = number
        self.host = host
    }

    init(number: Int, host: Int) {
        self.number = number
        self.host = host
    }

    private static let activities = LoadPlan.id(0).dropLast()
    private static let inboxes = "https://f"
}
