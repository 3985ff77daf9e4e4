internal import FoundationEssentials

extension Scenario {
    /// Reads a scenario file strictly.
    ///
    /// - Parameters:
    ///   - file: for messages; the scenario is named for it.
    ///   - seed: instead of the file's.
    package init(
        json: [UInt8], file: String, seed: UInt64? = nil
    ) throws(ScenarioMistake) {
        let definition: JSONValue
        do {
            definition = try JSONDecoder().decode(JSONValue.self, from: Data(json))
        } catch {
            throw ScenarioMistake(
                file: file, key: "", mend: "is no JSON: \(Self.reason(error)); correct it there")
        }
        let members = try ScenarioMembers(definition, file: file, at: "", known: Self.known)
        name = Self.name(of: file)
        self.definition = definition
        summary = try members.text("summary")
        let ownSeed = UInt64(try members.count("seed", in: 0...Int(Int32.max)))
        self.seed = seed ?? ownSeed
        hosts = try members.count("hosts", in: 1...20_000)
        followers = try members.count("followers", in: 1...1_000_000)
        zipf = try members.number("zipf", in: 0...3)
        sharedInboxes = try members.boolean("sharedInboxes", else: false)
        senders = try members.count("senders", in: 1...100, else: 1)
        rate = try members.number("rate", in: 0.01...100_000)
        warmUpSeconds = try members.number("warmUp", in: 0...3_600)
        durationSeconds = try members.number("duration", in: 1...86_400)
        patienceSeconds = try members.number("patience", in: 1...3_600, else: 60)
        mix = try members.list("mix", known: ["to", "recipients", "lane", "weight"], Self.kind)
        bodies = try members.list("bodies", known: ["bytes", "weight"]) {
            element throws(ScenarioMistake) in
            Body(
                bytes: try element.count("bytes", in: ActivityBody.leastBytes...1_000_000),
                weight: try element.number("weight", in: 0.000_001...1_000_000, else: 1))
        }
        rules = members.has("rules") ? try members.value("rules") : .array([])
        guard case .array = rules else {
            throw members.mistake("rules", "write a list of rules, as `trunkline sink` takes them")
        }
        try check(members)
    }

    /// As `trunkline sink --rules` reads it.
    ///
    /// - Parameter names: whose hosts the rules hold for; those that are tried before answer well
    ///   whatever the scenario says.
    package func rulesFile(for names: LoadNames = .alone) throws -> [UInt8] {
        guard case .array(var rules) = rules else { return [] }
        rules = rules.map { rule in
            guard case .object(var members) = rule, case .string(let host)? = members["host"]
            else { return rule }
            members["host"] = .string(names.hostPattern(host))
            return .object(members)
        }
        // The first that fits decides.
        if let hosts = names.probeHosts {
            rules.insert(.object(["host": .string(hosts), "status": .number(202)]), at: 0)
        }
        return [UInt8](try JSONEncoder().encode(JSONValue.object(["rules": .array(rules)])))
    }

    private static let known = [
        "summary", "seed", "hosts", "followers", "zipf", "sharedInboxes", "senders", "rate",
        "warmUp", "duration", "patience", "mix", "bodies", "rules",
    ]

    private static func kind(_ members: ScenarioMembers) throws(ScenarioMistake) -> Kind {
        let to = try members.text("to")
        let audience: Kind.Audience
        switch to {
        case "followers": audience = .followers
        case "list": audience = .list(recipients: try members.count("recipients", in: 1...100_000))
        case "single": audience = .single
        default: throw members.mistake("to", "write \"followers\", \"list\" or \"single\"")
        }
        if to != "list", members.has("recipients") {
            throw members.mistake("recipients", "goes with \"to\": \"list\": leave it out")
        }
        guard let lane = BenchLane(rawValue: try members.text("lane")) else {
            throw members.mistake("lane", "write \"urgent\", \"normal\" or \"bulk\"")
        }
        return Kind(
            audience: audience, lane: lane,
            weight: try members.number("weight", in: 0.000_001...1_000_000))
    }

    /// What several keys together must not say.
    private func check(_ members: ScenarioMembers) throws(ScenarioMistake) {
        guard followers >= hosts else {
            throw members.mistake(
                "followers", "each of the \(hosts) hosts has one at least: give \(hosts) or more")
        }
        let inboxes = sharedInboxes ? hosts : followers
        for (index, kind) in mix.enumerated() {
            if case .list(let recipients) = kind.audience, recipients > inboxes {
                throw members.mistake(
                    "mix[\(index)].recipients", "there are \(inboxes) inboxes: give no more")
            }
        }
        guard rate * totalSeconds <= 2_000_000 else {
            throw members.mistake(
                "rate", "more than 2,000,000 activities in all: lower it, or `duration`")
        }
    }

    private static func name(of file: String) -> String {
        let last = file.split(separator: "/").last ?? Substring(file)
        return String(last.hasSuffix(".json") ? last.dropLast(5) : last)
    }

    private static func reason(_ error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context) = error else { return "\(error)" }
        return context.underlyingError.map { "\($0)" } ?? context.debugDescription
    }
}
