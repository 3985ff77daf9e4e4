import Synchronization

/// What all connections share.
final class SinkState: Sendable {
    let ledger: Mutex<Ledger>
    let rules: Mutex<RuleBook>
    private let rulesFile: Mutex<RulesFile?>
    let connections = ConnectionTable()
    let keys: KeyRing
    /// Nil: nothing is verified.
    let verifier: RequestVerifier?
    let log: SinkLog

    /// Throws when the rules file is missing or does not hold rules.
    init(keys: KeyRing, verifies: Bool, rulesFile: String?, log: SinkLog) throws(SinkError) {
        self.keys = keys
        self.log = log
        verifier = verifies ? RequestVerifier(keys: keys) : nil
        ledger = Mutex(Ledger(nowMilliseconds: SinkClock.wallMilliseconds))
        var book = RuleBook()
        if let path = rulesFile {
            self.rulesFile = Mutex(try RulesFile(path: path, into: &book))
        } else {
            self.rulesFile = Mutex(nil)
        }
        rules = Mutex(book)
    }

    var report: SinkReport {
        let now = SinkClock.wallMilliseconds
        let rules = rules.withLock(\.rules.count)
        let connections = connections.counts
        return ledger.withLock {
            SinkReport($0, connections: connections, rules: rules, at: now)
        }
    }

    /// Counts from zero; the rules start again, too.
    func reset() {
        connections.reset()
        rules.withLock { $0.replace(with: $0.rules) }
        ledger.withLock { $0.reset(nowMilliseconds: SinkClock.wallMilliseconds) }
    }

    /// Reads the rules file if it was written; bad rules change nothing and are told on standard
    /// error.
    func refreshRules(force: Bool = false) {
        do {
            let count = try rulesFile.withLock { file throws(SinkError) -> Int? in
                try rules.withLock { book throws(SinkError) -> Int? in
                    guard try file?.refresh(&book, force: force) == true else { return nil }
                    return book.rules.count
                }
            }
            if let count { log.inform("rules read again: \(count)") }
        } catch {
            log.warn("\(error); the old rules stay")
        }
    }
}
