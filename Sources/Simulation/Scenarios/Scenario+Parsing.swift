internal import DeliveryCore

/// A scenario as a text: a known one, and what is different, one line each, `name value`.
extension Scenario {
    package struct Mistake: Error, Equatable {
        package var line: Int
        package var message: String
    }

    package static func parse(
        _ text: String, name: String, _ scale: Scale
    ) -> Result<Scenario, Mistake> {
        var scenario: Scenario?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            func mistake(_ message: String) -> Result<Scenario, Mistake> {
                .failure(Mistake(line: number + 1, message: message))
            }
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let key = words.first, !key.hasPrefix("#") else { continue }
            guard words.count == 2 else { return mistake("a name and a value are wanted") }
            if key == "base" {
                guard let base = Scenarios.named(String(words[1]), scale) else {
                    return mistake("there is no scenario \(words[1])")
                }
                scenario = base
                continue
            }
            guard let value = Int(words[1]), 0...1_000_000 ~= value else {
                return mistake("\(words[1]) is no number up to a million")
            }
            guard scenario != nil else { return mistake("`base` comes first") }
            guard scenario?.set(String(key), to: value) == true else {
                return mistake("there is no \(key), or it cannot be \(value)")
            }
        }
        guard var scenario else {
            return .failure(Mistake(line: lines.count, message: "a line `base NAME` is wanted"))
        }
        scenario.name = name
        return .success(scenario)
    }

    /// False when there is no such thing, or it cannot be so.
    private mutating func set(_ key: String, to value: Int) -> Bool {
        if let fault = Self.fault(named: key) {
            guard value > 0 else { return false }
            faults.faults.append((fault, every: .seconds(value)))
            return true
        }
        switch key {
        case "workers" where value > 0: workers = value
        case "partitions" where value > 0: configuration.partitionCount = value
        case "slots" where value > 0: configuration.slots = value
        case "window" where value > 0: configuration.hostWindow = value
        case "duration": duration = .seconds(value)
        case "settle": settleWithin = .seconds(value)
        case "work":
            for place in workload.indices {
                workload[place].count = workload[place].count * value / 100
            }
        case "failures" where value <= 100: faults.failurePercent = value
        case "slow" where value <= 100: faults.slowPercent = value
        case "duplicates" where value <= 100: faults.duplicatePercent = value
        default: return false
        }
        return true
    }

    private static func fault(named name: String) -> FaultPlan.Fault? {
        switch name {
        case "kill": .kill
        case "roll": .roll
        case "freeze": .freeze(500...6_000)
        case "redis-away": .redisAway(50...5_000)
        case "postgres-away": .postgresAway(50...5_000)
        case "lease-lost": .leaseLost
        case "clock-jump": .clockJump(2_000)
        default: nil
        }
    }
}
