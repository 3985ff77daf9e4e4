import FoundationEssentials

/// The members of one JSON object of the rules, checked as they are read.
struct RuleMembers {
    let container: KeyedDecodingContainer<Name>

    /// Refuses members that are not `known`.
    init(_ decoder: any Decoder, known: Set<String>) throws {
        container = try decoder.container(keyedBy: Name.self)
        for key in container.allKeys where !known.contains(key.stringValue) {
            throw error(key, "no such member")
        }
    }

    func value<Value: Decodable>(_ name: Name) throws -> Value? {
        try container.decodeIfPresent(Value.self, forKey: name)
    }

    func value<Value: Decodable>(_ name: String) throws -> Value? {
        try value(Name(stringValue: name))
    }

    func number<Number: Decodable & Comparable>(
        _ name: Name, in range: ClosedRange<Number>
    ) throws -> Number? {
        guard let number: Number = try value(name) else { return nil }
        guard range.contains(number) else {
            throw error(name, "\(number) is not within \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// `"delay": 50` or `"delay": [50, 200]`, milliseconds, at most an hour.
    func delay() throws -> ClosedRange<Int64> {
        let limit: Int64 = 3_600_000
        if let fixed = try? container.decode(Int64.self, forKey: "delay") {
            guard (0...limit).contains(fixed) else { throw error("delay", "0 to \(limit) ms") }
            return fixed...fixed
        }
        guard container.contains("delay") else { return 0...0 }
        guard let ends = try? container.decode([Int64].self, forKey: "delay"), ends.count == 2,
            0 <= ends[0], ends[0] <= ends[1], ends[1] <= limit
        else { throw error("delay", "a number of milliseconds, or [least, most]") }
        return ends[0]...ends[1]
    }

    /// `"retryAfter": 30`, `"retryAfter": "soon"` (as it stands) or `"retryAfterDate": 30`.
    func retryAfter() throws -> Answer.RetryAfter? {
        if let seconds = try number("retryAfterDate", in: -86_400...31_536_000) {
            guard !container.contains("retryAfter") else {
                throw error("retryAfterDate", "excludes retryAfter")
            }
            return .dateIn(seconds: seconds)
        }
        guard container.contains("retryAfter") else { return nil }
        if let seconds = try? container.decode(Int.self, forKey: "retryAfter") {
            return .seconds(seconds)
        }
        return .verbatim(try container.decode(String.self, forKey: "retryAfter"))
    }

    /// One of `"body"` (text), `"bodyBase64"` (any bytes), `"bodySize"` (a number or "endless").
    func body() throws -> Answer.Body {
        let given = (["body", "bodyBase64", "bodySize"] as [Name]).filter(container.contains)
        guard given.count <= 1 else {
            throw error(given[1], "excludes \(given[0].stringValue)")
        }
        if let text: String = try value("body") { return .bytes(Array(text.utf8)) }
        if let text: String = try value("bodyBase64") {
            guard let bytes = Base64.decode(text) else {
                throw error("bodyBase64", "not base64 of less than 49,152 bytes")
            }
            return .bytes(bytes)
        }
        guard container.contains("bodySize") else { return .bytes([]) }
        if (try? container.decode(String.self, forKey: "bodySize")) == "endless" {
            return .endless
        }
        guard let size = try? container.decode(Int.self, forKey: "bodySize"), size >= 0 else {
            throw error("bodySize", "a number of bytes, or \"endless\"")
        }
        return .filler(size)
    }

    func error(_ name: Name, _ text: String) -> DecodingError {
        .dataCorrupted(
            .init(codingPath: container.codingPath + [name], debugDescription: text))
    }

    func error(_ name: String, _ text: String) -> DecodingError {
        error(Name(stringValue: name), text)
    }

    struct Name: CodingKey, ExpressibleByStringLiteral {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init(stringLiteral value: String) { stringValue = value }
        init?(intValue: Int) { nil }
    }
}
