/// What a host has shown of the signatures it takes (wire rules E1-E5: cavage first, the other only
/// on evidence, and evidence ages).
package struct SignatureMemory: Equatable, Sendable {
    /// Evidence for RFC 9421 is believed this long.
    static let evidenceTime: Duration = .seconds(30 * 86_400)
    /// A second knock that gained nothing is not made again for this long.
    static let futilityTime: Duration = .seconds(86_400)

    private var learned: Instant?
    private var futile: Instant?

    package init() {}

    package func profile(at now: Instant) -> SignatureProfile {
        if let learned, now - learned < Self.evidenceTime { return .messageSignatures }
        return .draftCavage
    }

    package func isKnockFutile(at now: Instant) -> Bool {
        if let futile { now - futile < Self.futilityTime } else { false }
    }

    /// Only a 2xx to the second signature proves anything.
    package mutating func knocked(accepted: Bool, at now: Instant) {
        if accepted { learned = now } else { futile = now }
    }

    package mutating func refused() { learned = nil }
}
