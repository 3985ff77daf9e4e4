internal import ArgumentParser
internal import DeliveryCore

/// How long deliveries are tried, as `--retry-for` takes it: a time for all lanes, times for some,
/// or both, separated by commas.
struct RetryTimes: ExpressibleByArgument {
    /// Seconds; nil: those that no lane names.
    private var times: [(lane: Lane?, seconds: Int64)] = []

    /// A minute is the least that leaves room for a second attempt; a year, and nobody remembers.
    static let limits: ClosedRange<Int64> = 60...365 * 86_400

    init() {}

    init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false).map {
                String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            guard words.count <= 2,
                let seconds = words.last.flatMap({ TimeSpan.seconds(in: $0[...]) })
            else {
                return nil
            }
            guard words.count == 2 else {
                times.append((nil, seconds))
                continue
            }
            guard let lane = Lane(name: words[0]) else { return nil }
            times.append((lane, seconds))
        }
    }

    /// What stands in several places, together.
    init(joining parts: [RetryTimes]) { times = parts.flatMap(\.times) }

    var budget: RetryBudget {
        var budget = RetryBudget()
        for time in times where time.lane == nil { budget = RetryBudget(.seconds(time.seconds)) }
        for time in times { time.lane.map { budget[$0] = .seconds(time.seconds) } }
        return budget
    }

    /// What is wrong with it; nil: nothing.
    var objection: String? {
        for (place, time) in times.enumerated() {
            let name = time.lane?.name ?? "the time for all lanes"
            if times[..<place].contains(where: { $0.lane == time.lane }) {
                return "--retry-for names \(name) twice."
            }
            if !Self.limits.contains(time.seconds) {
                return
                    "--retry-for takes times from 1m to 365d, not \(TimeSpan.text(time.seconds))."
            }
        }
        return nil
    }

    /// Every lane by name: what one process tells another.
    var argument: String { Self.text(budget, of: Lane.allCases) }

    /// As a person would have written it.
    var text: String {
        let budget = budget
        let common =
            times.first { $0.lane == nil }?.seconds
            ?? RetryBudget.standard.wholeMilliseconds / 1_000
        let others = Lane.allCases.filter { budget[$0] != .seconds(common) }
        return ([TimeSpan.text(common)] + others.map { Self.text(budget, of: [$0]) })
            .joined(separator: ",")
    }

    private static func text(_ budget: RetryBudget, of lanes: [Lane]) -> String {
        lanes.map { "\($0.name)=\(TimeSpan.text(budget[$0].wholeMilliseconds / 1_000))" }
            .joined(separator: ",")
    }
}
