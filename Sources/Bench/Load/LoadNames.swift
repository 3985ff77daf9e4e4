/// What a run calls its senders, their followers and its activities.
package struct LoadNames: Equatable, Sendable {
    /// The senders' host. Nothing under `.localhost` is anybody's (RFC 6761 section 6.3).
    package let domain: String
    /// The name by which all followers are addressed.
    package let audience: String
    /// What follows a host's own first letters.
    private let hostEnding: String

    /// Beside nobody else: the same, byte for byte, in every run.
    package static let alone = LoadNames(
        domain: "social.fedi.localhost", audience: "bench/followers", hostEnding: plainEnding)

    /// Beside real senders and other runs: `run` is drawn anew for each.
    package init(run: UInt64) {
        let digits = String(run, radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.utf8.count) + digits
        let domain = "bench-\(padded).fedi.localhost"
        self.init(
            domain: domain, audience: "https://\(domain)/followers", hostEnding: "-\(domain)")
    }

    private init(domain: String, audience: String, hostEnding: String) {
        (self.domain, self.audience, self.hostEnding) = (domain, audience, hostEnding)
    }

    /// A follower's: beside others of this run alone, for an earlier one may have left it with an open
    /// circuit and its inboxes gone.
    package func host(_ number: Int) -> String { "h\(number)\(hostEnding)" }

    /// Of a rule that says `h7.fedi.localhost`, or that with stars: the same of this run's hosts.
    package func hostPattern(_ pattern: String) -> String {
        guard pattern.hasSuffix(Self.plainEnding) else { return pattern }
        return pattern.dropLast(Self.plainEnding.count) + hostEnding
    }

    package func actor(_ sender: Int) -> String { "https://\(domain)/users/s\(sender)" }
    package func key(_ sender: Int) -> String { actor(sender) + "#main-key" }
    package func id(_ number: Int) -> String { "\(idStart)\(number)" }

    /// Of what is tried before the load.
    package var probeID: String { "\(idStart)probe" }

    /// Of an activity's id: the inverse of ``id(_:)``.
    package func number(ofID id: some StringProtocol) -> Int? {
        id.hasPrefix(idStart) ? Int(id.dropFirst(idStart.count)) : nil
    }

    /// A host that is none of the load's.
    package func probeHost(_ number: Int) -> String { "p\(number)-\(domain)" }
    /// As the sink's rules have it; nil: nothing is tried before.
    package var probeHosts: String? { self == .alone ? nil : "p*-\(domain)" }

    private static let plainEnding = ".fedi.localhost"
    private var idStart: String { "https://\(domain)/bench/" }
}
