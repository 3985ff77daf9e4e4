/// The value of the `Collection-Synchronization` field (FEP-8fcf): which of a sender's followers
/// the receiving server should know.
///
/// It has draft-cavage's parameter syntax. One value serves every inbox of one authority; it stays
/// good until the sender's followers there change.
package struct CollectionSynchronization: Hashable, Sendable {
    package enum Flaw: Error, Hashable, Sendable {
        /// No followers there: the field is left out, since a receiver could sever them all.
        case noFollowers
        case notHTTP(String)
        /// FEP-8fcf: the partial collection has the authority of the collection.
        case otherAuthority
        case forbiddenByte(UInt8)
    }

    package let value: [UInt8]

    /// - Parameters:
    ///   - collectionID: The `followers` collection of the sender.
    ///   - url: Where the receiver finds its part of it.
    package init(collectionID: String, url: String, digest: FollowersDigest) throws(Flaw) {
        if digest.isEmpty { throw .noFollowers }
        guard let collection = try? InboxTarget(url: collectionID) else {
            throw .notHTTP(collectionID)
        }
        guard let partial = try? InboxTarget(url: url) else { throw .notHTTP(url) }
        guard collection.scheme == partial.scheme, collection.authority == partial.authority else {
            throw .otherAuthority
        }
        for byte in collectionID.utf8 where Self.breaksQuotes(byte) { throw .forbiddenByte(byte) }
        for byte in url.utf8 where Self.breaksQuotes(byte) { throw .forbiddenByte(byte) }
        let text = "collectionId=\"\(collectionID)\", url=\"\(url)\", digest=\"\(digest.hex)\""
        value = Array(text.utf8)
    }

    /// `InboxTarget` has already refused blanks and control characters. A comma would end a
    /// parameter in Mastodon's parser, as in `Signature`.
    private static func breaksQuotes(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: ",")
    }
}
