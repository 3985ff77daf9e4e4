/// A `Signature` header of draft-cavage-12, read as the strictest receivers read it.
///
/// Several split at `,` without trimming, one throws at any blank, some look for the parameters by
/// place: so exactly `keyId`, `algorithm`, `headers`, `signature`, in this order, quoted, with no
/// blank between them (facts/receivers.md section 1.1).
struct CavageSignature: Equatable {
    let keyID: String
    let algorithm: String
    let covered: [String]
    let signature: [UInt8]

    /// What every receiver together demands.
    private static let required = ["(request-target)", "host", "date", "digest"]

    init(_ text: String) throws(Refusal) {
        var rest = text[...]
        let keyID = try Self.parameter("keyId", from: &rest)
        let algorithm = try Self.parameter("algorithm", from: &rest)
        let headers = try Self.parameter("headers", from: &rest)
        let encoded = try Self.parameter("signature", from: &rest, isLast: true)

        guard keyID.hasPrefix("http"), !keyID.contains(where: { " ,=".contains($0) }) else {
            throw Refusal(.signatureMalformed, "keyId is no URL free of blank, comma and =")
        }
        guard headers == headers.lowercased() else {
            throw Refusal(.signatureMalformed, "headers are not lower case")
        }
        let covered = headers.split(separator: " ", omittingEmptySubsequences: false)
            .map(String.init)
        guard !covered.contains(""), Set(covered).count == covered.count else {
            throw Refusal(.signatureMalformed, "headers have a double blank or a repetition")
        }
        guard let signature = Base64.decode(encoded) else {
            throw Refusal(.signatureMalformed, "signature is not padded base64")
        }
        for name in Self.required where !covered.contains(name) {
            throw Refusal(.notCovered, name)
        }
        self.keyID = String(keyID)
        self.algorithm = String(algorithm)
        self.covered = covered
        self.signature = signature
    }

    /// Reads `name="value"` and, unless it is the last, the comma after it.
    private static func parameter(
        _ name: String, from rest: inout Substring, isLast: Bool = false
    ) throws(Refusal) -> Substring {
        if rest.first == " " {
            throw Refusal(.signatureMalformed, "blank before \(name)")
        }
        let opening = "\(name)=\""
        guard rest.hasPrefix(opening) else {
            throw Refusal(.signatureMalformed, "expected \(opening) in its place")
        }
        rest.removeFirst(opening.count)
        guard let end = rest.firstIndex(of: "\"") else {
            throw Refusal(.signatureMalformed, "\(name) has no closing quote")
        }
        let value = rest[..<end]
        rest = rest[rest.index(after: end)...]
        if isLast {
            guard rest.isEmpty else {
                throw Refusal(.signatureMalformed, "more after \(name)")
            }
        } else {
            guard rest.first == "," else {
                throw Refusal(.signatureMalformed, "no comma after \(name)")
            }
            rest.removeFirst()
        }
        return value
    }
}
