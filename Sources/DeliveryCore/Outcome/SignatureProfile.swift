/// How a request is signed.
package enum SignatureProfile: UInt8, Sendable {
    /// draft-cavage-http-signatures-12 with `rsa-sha256`: what every receiver accepts.
    case draftCavage
    /// RFC 9421: the second knock, never the first (several receivers answer 2xx to it and drop
    /// the activity), unless this host has shown that it takes it.
    case messageSignatures
}
