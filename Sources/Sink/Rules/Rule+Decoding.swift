import FoundationEssentials

/// The rules as JSON: `{"rules": [{"host": "h1*.fedi.localhost", "status": 503}]}`.
///
/// Unknown members are refused: a misspelt rule must not silently answer 202. All are optional:
/// - which requests: `host`, `path` (globs), `times`, `probability` with `seed`;
/// - limits of one host: `maximumConcurrent`, `requestsPerSecond`;
/// - how: one of `hang`, `reset`, `close`, `refuseAfterHeaders` (true), `delay` (milliseconds, or
///   `[least, most]`), `drip` (milliseconds between two bytes of the body), `closeAfter`;
/// - what: `status`, `retryAfter` (seconds, or a text as it stands) or `retryAfterDate` (seconds
///   from now), `headers`, `fillerHeaders`, and one of `body`, `bodyBase64`, `bodySize` (a number,
///   or "endless"); `comment` is for people.
enum RuleDocument {
    /// More than anybody writes by hand; each is looked at once per host.
    static let maximumRules = 10_000

    /// Throws one sentence that names the place, such as `rules[2].delay: ...`.
    static func rules(in bytes: [UInt8]) throws(SinkError) -> [Rule] {
        do {
            return try JSONDecoder().decode(Document.self, from: Data(bytes)).rules
        } catch let error as DecodingError {
            throw SinkError("rules: \(Self.sentence(error))")
        } catch {
            throw SinkError("rules: \(error)")
        }
    }

    private struct Document: Decodable {
        let rules: [Rule]

        init(from decoder: any Decoder) throws {
            let members = try RuleMembers(decoder, known: ["rules"])
            rules = try members.container.decode([RuleEntry].self, forKey: "rules").map(\.rule)
            guard rules.count <= RuleDocument.maximumRules else {
                throw members.error("rules", "more than \(RuleDocument.maximumRules)")
            }
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        let (path, text) =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .dataCorrupted(let context):
                (context.codingPath, context.debugDescription)
            case .keyNotFound(let key, let context):
                (context.codingPath + [key], "missing")
            @unknown default: ([], "\(error)")
            }
        let place = path.reduce(into: "") { place, key in
            if let index = key.intValue {
                place += "[\(index)]"
            } else {
                place += place.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return place.isEmpty ? text : "\(place): \(text)"
    }
}

/// One rule as it is written.
private struct RuleEntry: Decodable {
    var rule: Rule

    private static let known: Set<String> = [
        "host", "path", "times", "probability", "seed", "maximumConcurrent", "requestsPerSecond",
        "status", "delay", "hang", "reset", "close", "refuseAfterHeaders", "retryAfter",
        "retryAfterDate", "headers", "fillerHeaders", "body", "bodyBase64", "bodySize", "drip",
        "closeAfter", "comment",
    ]

    init(from decoder: any Decoder) throws {
        let members = try RuleMembers(decoder, known: Self.known)
        let host: String = try members.value("host") ?? "*"
        rule = Rule(host: GlobPattern(host.lowercased()))
        rule.path = try (members.value("path") as String?).map(GlobPattern.init)
        rule.times = try members.number("times", in: 0...Int.max)
        rule.seed = try members.value("seed") ?? 0
        rule.probability = try members.number("probability", in: 0...1)
        rule.maximumConcurrent = try members.number("maximumConcurrent", in: 0...1_000_000)
        rule.requestsPerSecond = try members.number("requestsPerSecond", in: 0.001...1e6)
        rule.answer = try Self.answer(members)
    }

    private static func answer(_ members: RuleMembers) throws -> Answer {
        var answer = Answer()
        let manners: [Answer.Manner] = [.hang, .reset, .close, .refuseAfterHeaders]
        let chosen = try manners.filter { try members.value($0.rawValue) == true }
        guard chosen.count <= 1 else {
            throw members.error(chosen[1].rawValue, "excludes \(chosen[0].rawValue)")
        }
        answer.manner = chosen.first ?? .respond
        answer.status =
            try members.number("status", in: 200...599)
            ?? (answer.manner == .refuseAfterHeaders ? 403 : 202)
        answer.delayMilliseconds = try members.delay()
        answer.retryAfter = try members.retryAfter()
        answer.headers = try members.value("headers") ?? [:]
        answer.fillerHeaders = try members.number("fillerHeaders", in: 0...10_000) ?? 0
        answer.body = try members.body()
        answer.dripMilliseconds = try members.number("drip", in: 1...3_600_000)
        answer.closesAfter = try members.value("closeAfter") ?? false
        if answer.dripMilliseconds != nil, answer.body == .endless {
            throw members.error("drip", "goes with a body of finite size")
        }
        return answer
    }
}
