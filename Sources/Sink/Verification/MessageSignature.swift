/// One signature of RFC 9421, from `Signature-Input` and `Signature`: the fediverse's second knock.
///
/// Strict where its verifiers are: one label, components as single-blank separated strings without
/// parameters, `created` and `keyid` there, no blank between parameters (facts/wire.md 5.D).
struct MessageSignature: Equatable {
    let components: [String]
    let created: Int64
    let expires: Int64?
    let keyID: String
    let algorithm: String?
    /// The `@signature-params` value: the member's own bytes.
    let parameters: String
    let signature: [UInt8]

    private static let required = ["@method", "@target-uri", "content-digest"]

    init(input: String, signature header: String) throws(Refusal) {
        guard let equals = input.firstIndex(of: "="), equals > input.startIndex else {
            throw Refusal(.signatureMalformed, "Signature-Input has no label")
        }
        let label = input[..<equals]
        let member = input[input.index(after: equals)...]
        var rest = member
        components = try Self.innerList(&rest)
        let values = try Self.parameters(rest)
        parameters = String(member)

        guard let keyID = values["keyid"]?.string else {
            throw Refusal(.signatureMalformed, "no keyid")
        }
        guard let created = values["created"]?.integer else {
            throw Refusal(.signatureMalformed, "no created")
        }
        if let expires = values["expires"] {
            guard let integer = expires.integer, integer > created else {
                throw Refusal(.signatureMalformed, "expires is not after created")
            }
            self.expires = integer
        } else {
            expires = nil
        }
        self.keyID = keyID
        self.created = created
        algorithm = values["alg"]?.string
        for name in Self.required where !components.contains(name) {
            throw Refusal(.notCovered, name)
        }

        let opening = "\(label)=:"
        guard header.hasPrefix(opening), header.hasSuffix(":"), header.count > opening.count,
            let bytes = Base64.decode(header.dropFirst(opening.count).dropLast())
        else {
            throw Refusal(.signatureMalformed, "Signature is not \(opening)base64:")
        }
        signature = bytes
    }

    private enum Value {
        case string(String)
        case integer(Int64)

        var string: String? { if case .string(let text) = self { text } else { nil } }
        var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    }

    /// Reads `("a" "b")`.
    private static func innerList(_ rest: inout Substring) throws(Refusal) -> [String] {
        guard rest.first == "(", let end = rest.firstIndex(of: ")") else {
            throw Refusal(.signatureMalformed, "no component list")
        }
        let items = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
        var names: [String] = []
        for item in items.split(separator: " ", omittingEmptySubsequences: false) {
            guard item.count > 2, item.first == "\"", item.last == "\"" else {
                throw Refusal(.signatureMalformed, "component \(item)")
            }
            let name = String(item.dropFirst().dropLast())
            guard name == name.lowercased(), !name.contains("\""), !names.contains(name) else {
                throw Refusal(.signatureMalformed, "component \(item)")
            }
            names.append(name)
        }
        return names
    }

    /// Reads `;name=1;name="text"` to the end.
    private static func parameters(_ text: Substring) throws(Refusal) -> [String: Value] {
        var values: [String: Value] = [:]
        guard text.isEmpty || text.first == ";" else {
            throw Refusal(.signatureMalformed, "more than one signature, or a blank")
        }
        for part in text.dropFirst().split(separator: ";", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, !pair[0].contains(" ") else {
                throw Refusal(.signatureMalformed, "parameter \(part)")
            }
            let value: Value
            if let number = Int64(pair[1]) {
                // RFC 8941 section 3.3.1.
                guard number.magnitude < 1_000_000_000_000_000 else {
                    throw Refusal(.signatureMalformed, "parameter \(part) of over 15 digits")
                }
                value = .integer(number)
            } else {
                let inner = pair[1].dropFirst().dropLast()
                guard pair[1].count >= 2, pair[1].first == "\"", pair[1].last == "\"",
                    !inner.contains("\"")
                else { throw Refusal(.signatureMalformed, "parameter \(part)") }
                value = .string(String(inner))
            }
            guard values.updateValue(value, forKey: String(pair[0])) == nil else {
                throw Refusal(.signatureMalformed, "parameter \(pair[0]) repeated")
            }
        }
        return values
    }
}
