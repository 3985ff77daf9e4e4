internal import HTTPSignatures
internal import SigningKeys
internal import Transport

extension Operation {
    static var composing: [Operation] { [composition, digest] }

    /// What `RequestComposer` does for one delivery beside signing; date and digest are at hand.
    private static var composition: Operation {
        Operation("compose") { () throws(Flaw) in
            guard let keyID = try? KeyID(SampleActivity.key) else { throw .wrong("no key id") }
            let (date, digest) = (
                DraftCavage.Request.sample.date, DraftCavage.Request.sample.digest
            )
            let signature = [UInt8](repeating: 0xA5, count: 256)
            return (
                body: { Composed(date: date, digest: digest, keyID: keyID, signature: signature) },
                isRight: { composed in
                    String(decoding: composed?.bytesToSign ?? [], as: UTF8.self) == """
                        (request-target): post /users/bob/inbox
                        host: h1.fedi.localhost
                        date: Sun, 22 Nov 2026 12:00:00 GMT
                        digest: \(String(decoding: digest, as: UTF8.self))
                        """
                }
            )
        }
    }

    private static var digest: Operation {
        Operation("digest") { () throws(Flaw) in
            let bytes = SampleActivity.bytes
            // FIPS 180-4, of the message "abc".
            let known = "SHA-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
            guard Digest.value(sha256: SHA256.hash(Array("abc".utf8))) == Array(known.utf8) else {
                throw .wrong("the digest of a known message is another")
            }
            return (
                body: { Digest.value(sha256: SHA256.hash(bytes)) },
                isRight: { $0.count == known.utf8.count }
            )
        }
    }
}

extension DraftCavage.Request {
    /// To an inbox of one host, of the sample activity.
    static var sample: Self {
        DraftCavage.Request(
            target: Array("/users/bob/inbox".utf8), host: Array("h1.fedi.localhost".utf8),
            date: Array("Sun, 22 Nov 2026 12:00:00 GMT".utf8),
            digest: Digest.value(sha256: SHA256.hash(SampleActivity.bytes)))
    }
}

/// The bytes to sign of a request, and its header lines.
private struct Composed {
    let bytesToSign: [UInt8]
    let headers: HeaderLines

    /// nil: the inbox is no URL.
    init?(date: [UInt8], digest: [UInt8], keyID: KeyID, signature: [UInt8]) {
        guard let target = try? InboxTarget(url: SampleActivity.inbox) else { return nil }
        let request = DraftCavage.Request(
            target: target.requestTarget, host: target.authority, date: date, digest: digest)
        bytesToSign = DraftCavage.signingString(request)
        var headers = HeaderLines()
        headers.reserve(1_024)
        headers.append("Date", date)
        headers.append("Content-Type", "application/activity+json".utf8)
        headers.append("Digest", digest)
        headers.append(
            "Signature",
            DraftCavage.signatureValue(
                keyID: keyID, algorithm: .rsaSHA256, request: request, signature: signature))
        self.headers = headers
    }
}
