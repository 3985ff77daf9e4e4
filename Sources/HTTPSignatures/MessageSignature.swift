package import DeliveryCore

/// An RFC 9421 signature: the second knock, for a receiver that answered 401 to draft-cavage
/// (`facts/receivers.md` 1.2).
///
/// Covered are `"@method" "@target-uri" "content-digest"`, and `"collection-synchronization"` when
/// it is sent. The parameters are written once and used for both the field and the signed line, so
/// the two are the same bytes (RFC 9421 section 2.3).
package struct MessageSignature: Sendable {
    /// The one label: Mastodon reads a single signature only.
    package static let label = "sig1"

    private let parameters: [UInt8]
    /// The signature base (RFC 9421 section 2.5): the bytes to sign, no LF at the end.
    package let base: [UInt8]

    /// `created` goes out in whole seconds, rounded down: receivers refuse times ahead of theirs.
    ///
    /// - Parameters:
    ///   - contentDigest: ``Digest/contentDigestValue(sha256:)``
    ///   - algorithm: Sent as `alg` when given. Mastodon sends none and ignores it; without it
    ///     WordPress takes SHA-384 or SHA-512 for RSA keys from 3,072 bits up: name it for those.
    package init(
        target: InboxTarget, contentDigest: [UInt8],
        collectionSynchronization: CollectionSynchronization? = nil,
        keyID: KeyID, created: WallTime, algorithm: SignatureAlgorithm? = nil
    ) {
        var parameters = Array("(\"@method\" \"@target-uri\" \"content-digest\"".utf8)
        if collectionSynchronization != nil {
            parameters += " \"collection-synchronization\"".utf8
        }
        let seconds = HTTPDate.wholeSeconds(created)
        parameters += ");created=\(seconds);keyid=\"\(keyID.text)\"".utf8
        if let algorithm { parameters += ";alg=\"\(algorithm.messageSignatureName)\"".utf8 }
        self.parameters = parameters

        var base = Array("\"@method\": POST\n\"@target-uri\": ".utf8)
        base += target.uri
        base += "\n\"content-digest\": ".utf8
        base += contentDigest
        if let collectionSynchronization {
            base += "\n\"collection-synchronization\": ".utf8
            base += collectionSynchronization.value
        }
        base += "\n\"@signature-params\": ".utf8
        base += parameters
        self.base = base
    }

    /// The value of the `Signature-Input` field.
    package var inputValue: [UInt8] { Array("\(Self.label)=".utf8) + parameters }

    /// The value of the `Signature` field for a signature over ``base``.
    package func signatureValue(_ signature: [UInt8]) -> [UInt8] {
        var value = Array("\(Self.label)=:".utf8)
        Base64.append(signature, to: &value)
        value.append(UInt8(ascii: ":"))
        return value
    }
}
