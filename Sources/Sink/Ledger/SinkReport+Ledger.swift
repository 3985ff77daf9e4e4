extension SinkReport {
    init(_ ledger: Ledger, connections: ConnectionCounts, rules: Int, at now: Int64) {
        let totals = ledger.totals
        let distinct = ledger.distinct
        requests = totals.requests
        accepted = totals.accepted
        refused = [:]
        for (status, count) in totals.answers where !(200..<300).contains(status) {
            refused["\(status)"] = count
        }
        unanswered = [:]
        for (how, count) in totals.unanswered { unanswered[how.rawValue] = count }
        badSignatures = [:]
        for (reason, count) in totals.badSignatures { badSignatures[reason.rawValue] = count }
        duplicates = totals.duplicates
        orderViolations = ledger.orderViolations
        orderExamples = ledger.orderExamples
        activities = distinct.activities
        inboxes = distinct.inboxes
        hosts = distinct.hosts
        pairs = distinct.pairs
        withoutID = totals.withoutID
        unrecorded = totals.unrecorded
        malformed = totals.malformed
        requestsPerSecond = ledger.rate.perSecond(at: now)
        tls = connections.tls
        plain = connections.plain
        http2 = HTTP2(connections: connections.http2, requests: totals.http2Requests)
        self.rules = rules
        atMilliseconds = now
        firstRequestMilliseconds = totals.firstMilliseconds
        lastRequestMilliseconds = totals.lastMilliseconds
    }
}
