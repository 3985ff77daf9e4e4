/// What a key signs with.
package enum SignatureAlgorithm: Hashable, Sendable, CaseIterable {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what the fediverse verifies.
    case rsaSHA256
    /// Ed25519 without a prehash (RFC 8032): cheap, and verified by few (FEP-844e).
    case ed25519

    /// The `algorithm` parameter of draft-cavage. Only `rsa-sha256` is understood everywhere; that
    /// draft knows Ed25519 as `hs2019` alone, which Funkwhale, Hubzilla and others refuse.
    package var draftCavageName: String {
        switch self {
        case .rsaSHA256: "rsa-sha256"
        case .ed25519: "hs2019"
        }
    }

    /// The `alg` parameter (RFC 9421 section 6.2.2).
    package var messageSignatureName: String {
        switch self {
        case .rsaSHA256: "rsa-v1_5-sha256"
        case .ed25519: "ed25519"
        }
    }
}
