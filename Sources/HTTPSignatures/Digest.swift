/// The two field values that pin a body, from its SHA-256.
///
/// One hash of the body serves every inbox and both fields, so they never disagree.
package enum Digest {
    /// The bytes of a SHA-256.
    package static let hashByteCount = 32

    /// `Digest: SHA-256=<base64>` (RFC 3230), the label in upper case and one value only: PeerTube,
    /// NodeBB, Takahe, PieFed and snac2 compare the whole value as text.
    package static func value(sha256 hash: [UInt8]) -> [UInt8] {
        precondition(hash.count == hashByteCount, "a SHA-256 has 32 bytes, not \(hash.count)")
        var value = Array("SHA-256=".utf8)
        Base64.append(hash, to: &value)
        return value
    }

    /// `Content-Digest: sha-256=:<base64>:` (RFC 9530 section 2), for RFC 9421.
    package static func contentDigestValue(sha256 hash: [UInt8]) -> [UInt8] {
        precondition(hash.count == hashByteCount, "a SHA-256 has 32 bytes, not \(hash.count)")
        var value = Array("sha-256=:".utf8)
        Base64.append(hash, to: &value)
        value.append(UInt8(ascii: ":"))
        return value
    }
}
