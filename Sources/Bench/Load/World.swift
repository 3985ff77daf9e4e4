/// The pretend fediverse of a scenario: hosts, their followers' inboxes, and senders.
///
/// An inbox is a number: below `followers` a follower's own, from there on a host's shared one.
package struct World: Sendable {
    package let names: LoadNames
    package let hosts: Int
    package let followers: Int
    package let sharedInboxes: Bool
    private let port: Int
    /// Of each follower.
    private let hostOfFollower: [Int32]

    /// - Parameter port: the sink's, for https.
    package init(_ scenario: Scenario, port: Int, names: LoadNames = .alone) {
        self.names = names
        hosts = scenario.hosts
        followers = scenario.followers
        sharedInboxes = scenario.sharedInboxes
        self.port = port
        let counts = Zipf.counts(
            total: scenario.followers, over: scenario.hosts, exponent: scenario.zipf)
        var owners: [Int32] = []
        owners.reserveCapacity(scenario.followers)
        for (host, count) in counts.enumerated() {
            owners += repeatElement(Int32(host), count: count)
        }
        hostOfFollower = owners
    }

    /// How many posts an activity to all followers becomes.
    package var audienceSize: Int { sharedInboxes ? hosts : followers }

    package func isOfAudience(_ inbox: Int) -> Bool { (inbox >= followers) == sharedInboxes }

    /// Where a follower is reached when others are, too.
    package func inbox(of follower: Int) -> Int {
        sharedInboxes ? followers + Int(hostOfFollower[follower]) : follower
    }

    package func url(_ inbox: Int) -> String {
        if inbox >= followers { return "\(origin(inbox - followers))/inbox" }
        return "\(origin(Int(hostOfFollower[inbox])))/users/u\(inbox)/inbox"
    }

    /// The number of an inbox of this world; nil for any other URL.
    package func inbox(url: some StringProtocol) -> Int? {
        guard url.hasPrefix(Self.start), url.hasSuffix("/inbox") else { return nil }
        let rest = url.dropFirst(Self.start.count)
        guard let host = Int(rest.prefix { $0.isNumber }), (0..<hosts).contains(host) else {
            return nil
        }
        let inbox: Int
        if let user = url.split(separator: "/").dropLast().last, user.first == "u",
            let follower = Int(user.dropFirst()), (0..<followers).contains(follower)
        {
            inbox = follower
        } else {
            inbox = followers + host
        }
        return self.url(inbox) == url ? inbox : nil
    }

    private static let start = "https://h"
    private func origin(_ host: Int) -> String { "https://\(names.host(host)):\(port)" }
}
