import CSinkCrypto
import NIOCore
import NIOHTTP1

/// Decides whether the strictest fediverse server would believe a POST.
///
/// Written from the receivers' rules (facts/receivers.md section 1) and on purpose sharing no code
/// with what signs: an error made twice alike would be no test. A verified POST of
/// 3 kB over TLS costs the whole sink 101-112 us of CPU (measured, release); RSA is 25 of them
/// (facts/costs.md).
struct RequestVerifier: Sendable {
    let keys: KeyRing

    /// How far a date may lie ahead or back: PeerTube and NodeBB allow +2 s, Funkwhale -30 s.
    static let windowSeconds: ClosedRange<Int64> = -30...2

    func verify(_ request: ReceivedRequest) throws(Refusal) {
        let fields = try ReceiverFields(request.headers)
        guard fields.contentLength != nil else { throw Refusal(.contentLengthMissing) }
        guard fields.userAgent?.isEmpty == false else { throw Refusal(.userAgentMissing) }
        guard let type = fields.contentType,
            type == "application/activity+json" || type.hasPrefix("application/ld+json")
        else { throw Refusal(.contentType, fields.contentType ?? "none") }
        try checkHost(fields.host, of: request.origin)

        if let input = fields.signatureInput {
            try verifyMessageSignature(input, fields, request)
        } else {
            try verifyCavage(fields, request)
        }
    }

    // MARK: draft-cavage-12

    private func verifyCavage(
        _ fields: ReceiverFields, _ request: ReceivedRequest
    ) throws(Refusal) {
        guard let date = fields.date else { throw Refusal(.dateMissing) }
        guard let seconds = HTTPDate.seconds(in: date) else { throw Refusal(.dateMalformed, date) }
        try checkTime(seconds, against: request)
        guard let digest = fields.digest else { throw Refusal(.digestMissing) }
        guard digest.hasPrefix("SHA-256=") else { throw Refusal(.digestMalformed, digest) }
        guard digest.dropFirst("SHA-256=".count) == Self.digest(of: request.body) else {
            throw Refusal(.digestMismatch)
        }
        guard let header = fields.signature else { throw Refusal(.signatureMissing) }
        let signature = try CavageSignature(header)

        var lines: [String] = []
        for name in signature.covered {
            if name == "(request-target)" {
                lines.append("(request-target): post \(request.target)")
            } else {
                let value = try Self.field(name, of: request)
                lines.append("\(name): \(value)")
            }
        }
        try check(
            signature.signature, of: lines.joined(separator: "\n"), keyID: signature.keyID,
            algorithm: signature.algorithm
        ) { kind in
            switch kind {
            case .rsa: ["rsa-sha256", "hs2019"]
            case .ed25519: ["ed25519", "hs2019"]
            }
        }
    }

    // MARK: RFC 9421

    private func verifyMessageSignature(
        _ input: String, _ fields: ReceiverFields, _ request: ReceivedRequest
    ) throws(Refusal) {
        if let date = fields.date {
            guard let seconds = HTTPDate.seconds(in: date) else {
                throw Refusal(.dateMalformed, date)
            }
            try checkTime(seconds, against: request)
        }
        guard let header = fields.signature else { throw Refusal(.signatureMissing) }
        let signature = try MessageSignature(input: input, signature: header)
        try checkTime(signature.created, against: request)
        if let expires = signature.expires, expires * 1_000 < request.arrivedMilliseconds {
            throw Refusal(.dateOld, "expires")
        }
        guard let digest = fields.contentDigest else { throw Refusal(.digestMissing) }
        let computed = Self.digest(of: request.body)
        guard digest.hasPrefix("sha-256=:"), digest.hasSuffix(":") else {
            throw Refusal(.digestMalformed, digest)
        }
        guard digest == "sha-256=:\(computed):" else { throw Refusal(.digestMismatch) }
        if let legacy = fields.digest, legacy != "SHA-256=\(computed)" {
            throw Refusal(.digestMismatch, "the Digest beside Content-Digest")
        }

        var lines: [String] = []
        for name in signature.components {
            let value = try Self.component(name, of: request)
            lines.append("\"\(name)\": \(value)")
        }
        lines.append("\"@signature-params\": \(signature.parameters)")
        try check(
            signature.signature, of: lines.joined(separator: "\n"), keyID: signature.keyID,
            algorithm: signature.algorithm
        ) { kind in
            switch kind {
            case .rsa: ["rsa-v1_5-sha256"]
            case .ed25519: ["ed25519"]
            }
        }
    }

    /// RFC 9421 section 2.2.
    private static func component(
        _ name: String, of request: ReceivedRequest
    ) throws(Refusal) -> String {
        let target = request.target
        let query = target.firstIndex(of: "?")
        switch name {
        case "@method": return "POST"
        case "@request-target": return target
        case "@scheme": return request.origin.scheme.rawValue
        case "@authority": return try field("host", of: request)
        case "@target-uri":
            let host = try field("host", of: request)
            return "\(request.origin.scheme.rawValue)://\(host)\(target)"
        case "@path": return String(query.map { target[..<$0] } ?? target[...])
        case "@query": return query.map { String(target[$0...]) } ?? "?"
        default:
            guard !name.hasPrefix("@") else { throw Refusal(.coveredMissing, name) }
            return try field(name, of: request)
        }
    }

    // MARK: what both share

    private func checkHost(_ host: String?, of origin: Origin) throws(Refusal) {
        guard let host else { throw Refusal(.hostMismatch, "no Host") }
        let suffix = origin.authoritySuffix
        let name = host.hasSuffix(suffix) ? host.dropLast(suffix.count) : ""
        guard !name.isEmpty, !name.contains(":") || name.hasPrefix("["), name == name.lowercased()
        else { throw Refusal(.hostMismatch, "\(host) on port \(origin.port)") }
    }

    private func checkTime(
        _ seconds: Int64, against request: ReceivedRequest
    ) throws(Refusal) {
        let aheadMilliseconds = seconds * 1_000 - request.arrivedMilliseconds
        if aheadMilliseconds > Self.windowSeconds.upperBound * 1_000 {
            throw Refusal(.dateAhead, "\(aheadMilliseconds) ms")
        }
        if aheadMilliseconds < Self.windowSeconds.lowerBound * 1_000 {
            throw Refusal(.dateOld, "\(-aheadMilliseconds) ms")
        }
    }

    private func check(
        _ signature: [UInt8], of text: String, keyID: String, algorithm: String?,
        fitting algorithms: (PublicKey.Kind) -> [String]
    ) throws(Refusal) {
        guard let key = keys.key(for: keyID) else { throw Refusal(.unknownKey, keyID) }
        if let algorithm, !algorithms(key.kind).contains(algorithm) {
            throw Refusal(.algorithm, "\(algorithm) with a key of \(key.kind)")
        }
        let message = Array(text.utf8)
        if key.verifies(signature, of: message) { return }
        // The key may have been changed on disk since it was read.
        guard let newer = keys.newerKey(for: keyID, than: key),
            newer.verifies(signature, of: message)
        else { throw Refusal(.signatureWrong, keyID) }
    }

    /// All values of a field, as both signature schemes join them.
    private static func field(
        _ name: String, of request: ReceivedRequest
    ) throws(Refusal) -> String {
        let values = request.headers[name]
        guard !values.isEmpty else { throw Refusal(.coveredMissing, name) }
        return values.count == 1 ? values[0] : values.joined(separator: ", ")
    }

    /// Base64 of the body's SHA-256.
    static func digest(of body: ByteBuffer) -> String {
        var hash = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        body.withUnsafeReadableBytes { bytes in
            // An empty buffer has no address, and SHA256 reads none.
            _ = SHA256(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &hash)
        }
        return Base64.encode(hash)
    }
}
