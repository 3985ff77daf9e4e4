/// The rules in force, with what they count per host.
struct RuleBook {
    /// Counting stops for hosts beyond this many: `times`, limits and draws then start at zero
    /// with every request.
    static let maximumHosts = 200_000

    private(set) var rules: [Rule] = []
    /// Tells an exchange begun under earlier rules from one of these.
    private var generation: UInt32 = 0
    private var hosts: [String: HostEntry] = [:]

    /// What a request gets, and what must be given back when it ends.
    struct Decision {
        let answer: Answer
        let delayMilliseconds: Int64
        fileprivate(set) var permit: Permit?
    }

    /// A place among a host's concurrent requests.
    struct Permit {
        fileprivate let host: String
        fileprivate let index: Int
        fileprivate let generation: UInt32
    }

    private struct HostEntry {
        /// The rules whose host pattern matches, in order.
        let rules: [Int]
        var counters: [Counter]
    }

    private struct Counter {
        /// Requests that came to this rule at this host, drawn or not.
        var seen: UInt64 = 0
        /// Of them, those that it answered.
        var served = 0
        var concurrent = 0
        var bucket: TokenBucket?
    }

    /// Starts over: every count is that of the new rules.
    mutating func replace(with rules: [Rule]) {
        self.rules = rules
        generation &+= 1
        hosts.removeAll()
    }

    /// The first rule that matches and is not used up decides; none: 202 at once.
    mutating func decide(
        host: String, path: Substring, nowMilliseconds now: Int64
    ) -> Decision {
        guard !rules.isEmpty else { return Decision(answer: Answer(), delayMilliseconds: 0) }
        var entry = hosts.removeValue(forKey: host) ?? makeEntry(host)
        defer { if hosts.count < Self.maximumHosts { hosts[host] = entry } }
        for index in entry.rules.indices {
            let rule = rules[entry.rules[index]]
            if let pattern = rule.path, !pattern.matches(String(path)) { continue }
            if let times = rule.times, entry.counters[index].served >= times { continue }
            let draw = Self.draw(rule.seed, host, number: entry.counters[index].seen)
            entry.counters[index].seen += 1
            if let probability = rule.probability, Self.share(draw) >= probability { continue }
            entry.counters[index].served += 1
            return apply(
                rule, to: &entry.counters[index], host: host, index: index, draw: draw, now: now)
        }
        return Decision(answer: Answer(), delayMilliseconds: 0)
    }

    /// Ends an exchange; one of earlier rules changes nothing.
    mutating func release(_ permit: Permit) {
        guard permit.generation == generation else { return }
        hosts[permit.host]?.counters[permit.index].concurrent -= 1
    }

    private func makeEntry(_ host: String) -> HostEntry {
        let matching = rules.indices.filter { rules[$0].host.matches(host) }
        return HostEntry(
            rules: matching, counters: Array(repeating: Counter(), count: matching.count))
    }

    private func apply(
        _ rule: Rule, to counter: inout Counter, host: String, index: Int, draw: UInt64, now: Int64
    ) -> Decision {
        if let maximum = rule.maximumConcurrent, counter.concurrent >= maximum {
            return Decision(answer: .text(429, "too many at once"), delayMilliseconds: 0)
        }
        if let rate = rule.requestsPerSecond {
            var bucket = counter.bucket ?? TokenBucket(perSecond: rate, now: now)
            let wait = bucket.take(now: now)
            counter.bucket = bucket
            if let wait {
                var answer = Answer.text(429, "too many in a second")
                answer.retryAfter = .seconds(wait)
                return Decision(answer: answer, delayMilliseconds: 0)
            }
        }
        let range = rule.answer.delayMilliseconds
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        let delay = range.lowerBound + Int64(Self.mixed(draw) % width)
        var decision = Decision(answer: rule.answer, delayMilliseconds: delay)
        if rule.maximumConcurrent != nil {
            counter.concurrent += 1
            decision.permit = Permit(host: host, index: index, generation: generation)
        }
        return decision
    }

    // MARK: draws

    private static func draw(_ seed: UInt64, _ host: String, number: UInt64) -> UInt64 {
        // FNV-1a: `Hasher` is seeded per process.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in host.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return mixed(mixed(hash ^ mixed(seed)) &+ number)
    }

    /// The finalizer of SplitMix64.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// In 0..<1, from the 53 bits a Double holds.
    private static func share(_ draw: UInt64) -> Double { Double(draw >> 11) * 0x1p-53 }
}
