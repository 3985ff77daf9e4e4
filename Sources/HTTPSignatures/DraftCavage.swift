/// The signature nearly every receiver verifies: draft-cavage-http-signatures-12 as the fediverse
/// uses it (`facts/receivers.md` section 1, "the one request").
///
/// Covered are exactly `(request-target) host date digest`, and `collection-synchronization` when
/// it is sent: receivers act on that header only if it is signed (FEP-8fcf). Nothing else: proxies
/// rewrite the other headers, and nobody asks for them.
package enum DraftCavage {
    /// What is covered, each value as it stands in the request.
    package struct Request: Hashable, Sendable {
        /// Path and query (``InboxTarget/requestTarget``), or the path alone for receivers that
        /// verify that.
        package var target: [UInt8]
        package var host: [UInt8]
        package var date: [UInt8]
        /// ``Digest/value(sha256:)``
        package var digest: [UInt8]
        package var collectionSynchronization: CollectionSynchronization?

        package init(
            target: [UInt8], host: [UInt8], date: [UInt8], digest: [UInt8],
            collectionSynchronization: CollectionSynchronization? = nil
        ) {
            self.target = target
            self.host = host
            self.date = date
            self.digest = digest
            self.collectionSynchronization = collectionSynchronization
        }
    }

    /// The bytes to sign: `name: value` lines joined by LF, none at the end.
    package static func signingString(_ request: Request) -> [UInt8] {
        let synchronization = request.collectionSynchronization?.value ?? []
        var text: [UInt8] = []
        text.reserveCapacity(
            96 + request.target.count + request.host.count + request.date.count
                + request.digest.count + synchronization.count)
        text += "(request-target): post ".utf8
        text += request.target
        text += "\nhost: ".utf8
        text += request.host
        text += "\ndate: ".utf8
        text += request.date
        text += "\ndigest: ".utf8
        text += request.digest
        if !synchronization.isEmpty {
            text += "\ncollection-synchronization: ".utf8
            text += synchronization
        }
        return text
    }

    /// The value of the `Signature` field: four quoted parameters in this order, commas without
    /// blanks (about ten parsers neither trim nor reorder).
    ///
    /// No `created` or `expires`: newest PeerTube and NodeBB read only the first digit of a number.
    package static func signatureValue(
        keyID: KeyID, algorithm: SignatureAlgorithm, request: Request, signature: [UInt8]
    ) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(192 + keyID.text.utf8.count + signature.count / 3 * 4)
        value += "keyId=\"".utf8
        value += keyID.text.utf8
        value += "\",algorithm=\"".utf8
        value += algorithm.draftCavageName.utf8
        value += "\",headers=\"(request-target) host date digest".utf8
        if request.collectionSynchronization != nil {
            value += " collection-synchronization".utf8
        }
        value += "\",signature=\"".utf8
        Base64.append(signature, to: &value)
        value.append(UInt8(ascii: "\""))
        return value
    }
}
