/// What outlives the worker that learned it: kept in Redis beside a host's backlog, and in
/// PostgreSQL for people and for the next owner.
package struct HostCondition: Equatable, Sendable {
    /// It asked for a pause that ends then.
    package var suspendedUntil: WallTime?
    /// Its circuit is open since.
    package var failingSince: WallTime?
    package var probeDue: WallTime?
    /// Why, in one word: `connect-failed`, `server-error`, ...
    package var cause: String?
    package var lastSuccess: WallTime?

    package init(
        suspendedUntil: WallTime? = nil, failingSince: WallTime? = nil, probeDue: WallTime? = nil,
        cause: String? = nil, lastSuccess: WallTime? = nil
    ) {
        self.suspendedUntil = suspendedUntil
        self.failingSince = failingSince
        self.probeDue = probeDue
        self.cause = cause
        self.lastSuccess = lastSuccess
    }
}

/// As text: words `name=value` with blanks between them; times in milliseconds since 1970.
extension HostCondition {
    package var text: String {
        var words: [String] = []
        if let suspendedUntil { words.append("suspended=\(suspendedUntil.milliseconds)") }
        if let failingSince { words.append("failing=\(failingSince.milliseconds)") }
        if let probeDue { words.append("probe=\(probeDue.milliseconds)") }
        if let cause { words.append("cause=\(cause)") }
        return words.joined(separator: " ")
    }

    /// Unknown words are passed over: another version may have written them.
    package init(text: String) {
        self.init()
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let time = Int64(parts[1]).map(WallTime.init(milliseconds:))
            switch parts[0] {
            case "suspended": suspendedUntil = time
            case "failing": failingSince = time
            case "probe": probeDue = time
            case "cause": cause = String(parts[1])
            default: continue
            }
        }
    }
}
