/// The digest of a set of followers (FEP-8fcf): the XOR of the SHA-256 of each one's id.
///
/// XOR is its own inverse, so following and unfollowing are the same ``toggle(_:)`` and the digest
/// can be kept up to date without the set. An id toggled twice cancels out: give every follower
/// once.
package struct FollowersDigest: Hashable, Sendable {
    private var words: SIMD4<UInt64> = .zero

    package init() {}

    /// Adds the follower whose id has this SHA-256, or removes it.
    package mutating func toggle(_ hash: [UInt8]) {
        precondition(
            hash.count == Digest.hashByteCount, "a SHA-256 has 32 bytes, not \(hash.count)")
        for (index, byte) in hash.enumerated() {
            words[index / 8] ^= UInt64(byte) << UInt64(56 - index % 8 * 8)
        }
    }

    /// No follower, or only pairs that cancelled out: the field is not sent then.
    package var isEmpty: Bool { words == .zero }

    /// The 32 bytes, as they are stored.
    package var bytes: [UInt8] {
        (0..<Digest.hashByteCount).map { index in
            UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(56 - index % 8 * 8))
        }
    }

    /// 64 lower-case digits.
    package var hex: String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
