/// What the sink has taken of the load, read fast: there are hundreds of thousands of lines.
extension SinkProcess {
    struct Taken {
        let delivery: LoadDelivery
        private(set) var accepted: Int
        private(set) var first: Milliseconds
        private(set) var last: Milliseconds

        /// A line of `/.sink/pairs`: a flat JSON object without escapes in the load's names.
        init?(_ line: Substring) {
            var members: [Substring: Substring] = [:]
            for member in line.dropFirst().dropLast().split(separator: ",") {
                guard let colon = member.firstIndex(of: ":") else { return nil }
                members[member[..<colon]] = member[member.index(after: colon)...]
            }
            guard let activity = members["\"activity\""]?.dropFirst().dropLast(),
                let inbox = members["\"inbox\""]?.dropFirst().dropLast(),
                let delivery = LoadDelivery(activity: activity, inbox: inbox),
                let accepted = members["\"accepted\""].flatMap({ Int($0) }),
                let first = members["\"firstMilliseconds\""].flatMap({ Milliseconds($0) }),
                let last = members["\"lastMilliseconds\""].flatMap({ Milliseconds($0) })
            else { return nil }
            self.delivery = delivery
            self.accepted = accepted
            self.first = first
            self.last = last
        }

        fileprivate func with(_ other: Taken) -> Taken {
            var sum = self
            sum.accepted += other.accepted
            sum.first = min(first, other.first)
            sum.last = max(last, other.last)
            return sum
        }
    }

    /// What several sinks have taken together.
    static func deliveries(of sinks: [SinkProcess]) throws -> [Taken] {
        var all: [LoadDelivery: Taken] = [:]
        for sink in sinks {
            for line in try sink.control("GET", "pairs").split(separator: "\n") {
                guard let taken = Taken(line) else { continue }
                all[taken.delivery] = all[taken.delivery].map { $0.with(taken) } ?? taken
            }
        }
        return Array(all.values)
    }

    /// Different deliveries taken since the last reset.
    func taken() throws -> Int {
        let report = try report()
        return report.accepted - report.duplicates
    }

    func reset() throws { try control("POST", "reset") }
}
