import DeliveryCore
import Testing

/// A host that answers 503: it asks for a pause, and says neither how long nor to whom.
@Suite struct UnavailableTests {
    /// Redis and PostgreSQL that do at once what they are asked, and one host that answers.
    private struct Exchange {
        var trace = Trace.owning()
        var held: [DeliveryPointer] = []
        var later: [Resolution.Later] = []
        var requests: [ActivityID] = []
        /// Of which activities the host takes the deliveries.
        var takes: (ActivityID) -> Bool = { _ in true }
        /// What it says about when to come again.
        var retryAfter: Duration?
        private var lastEntry: UInt64 = 100

        init() {
            trace.read()
            trace.activities[7] = PreparedFacts.Activity(
                lane: .normal, stored: trace.wall, expires: nil, size: 1)
        }

        mutating func nextEntry() -> StreamID {
            lastEntry += 1
            return StreamID(milliseconds: lastEntry, sequence: 0)
        }

        mutating func perform(_ first: [Action]) {
            var actions = first
            while !actions.isEmpty {
                var next: [Action] = []
                for transmission in actions.sends {
                    requests.append(transmission.activity)
                    let status = takes(transmission.activity) ? 200 : 503
                    next += trace.end(
                        transmission, .status(status),
                        retryAfter: status == 503 ? retryAfter : nil)
                }
                for flush in actions.flushes { next += trace.feed(.flushed(flush.id)) }
                for resolution in actions.resolutions {
                    later += resolution.laters
                    for hold in resolution.holds {
                        held = hold.atHead ? hold.pointers + held : held + hold.pointers
                    }
                }
                next += trace.resolve(actions)
                for (host, count) in actions.releases { next += release(host, count) }
                actions = next
            }
        }

        private mutating func release(_ host: HostID, _ count: Int) -> [Action] {
            let part = Array(held.prefix(count))
            held.removeFirst(part.count)
            let entry = nextEntry()
            let released = part.isEmpty ? nil : entry
            trace.feed(.released(0, host, released, remaining: held.count))
            guard !part.isEmpty else { return [] }
            return trace.admit(LogEntry(id: entry, content: .pointers(part)))
        }

        mutating func live(_ duration: Duration) {
            let end = trace.now + duration
            while trace.now < end {
                perform(trace.live(.milliseconds(500)))
                let due = later.filter { $0.due <= trace.wall }
                later.removeAll { $0.due <= trace.wall }
                guard !due.isEmpty else { continue }
                let entry = LogEntry(id: nextEntry(), content: .pointers(due.map(\.pointer)))
                perform(trace.admit(entry))
            }
        }
    }

    @Test func `one delivery to a host that stays unavailable costs no more than a probe`() {
        var exchange = Exchange()
        exchange.takes = { _ in false }
        exchange.perform(exchange.trace.admit(.fanout(1, 7, to: [11])))
        exchange.live(.seconds(6 * 3_600))
        #expect(exchange.requests.count <= 20)
        #expect(exchange.requests.count >= 10, "it is tried, though")
    }

    @Test func `a host that says when to come again gets what waits for it then`() {
        var exchange = Exchange()
        exchange.takes = { _ in false }
        exchange.retryAfter = .seconds(2)
        exchange.perform(exchange.trace.admit(.fanout(1, 7, to: [11, 12, 13, 14, 15, 16])))
        exchange.live(.seconds(30))
        let refusals = exchange.requests.count
        #expect(exchange.later.isEmpty && exchange.held.count == 6)
        exchange.takes = { _ in true }
        exchange.live(.seconds(5))
        #expect(exchange.requests.count == refusals + 6)
    }

    @Test func `one that names a short pause for ever is not believed for ever`() {
        var exchange = Exchange()
        exchange.takes = { _ in false }
        exchange.retryAfter = .seconds(2)
        exchange.perform(exchange.trace.admit(.fanout(1, 7, to: [11])))
        exchange.live(.seconds(6 * 3_600))
        #expect((100...200).contains(exchange.requests.count))
    }

    @Test func `an activity that is always answered with 503 does not hold up the others`() {
        var exchange = Exchange()
        exchange.takes = { $0 != 7 }
        exchange.perform(exchange.trace.admit(.fanout(1, 7, to: [11])))
        for activity in 10..<50 as Range<Int64> {
            let entry = exchange.nextEntry()
            exchange.perform(
                exchange.trace.admit(.fanout(entry, ActivityID(rawValue: activity), to: [11])))
        }
        #expect(exchange.held.count == 41, "the host has asked for a pause")
        exchange.live(.seconds(40))
        #expect(Set(exchange.requests).count == 41)
        // It comes again, and again delays the others only for a moment.
        for activity in 100..<700 as Range<Int64> {
            let entry = exchange.nextEntry()
            exchange.perform(
                exchange.trace.admit(.fanout(entry, ActivityID(rawValue: activity), to: [11])))
            exchange.live(.seconds(1))
        }
        exchange.live(.seconds(5))
        #expect(exchange.held.count == 0)
        #expect(exchange.requests.count { $0 == 7 } <= 12)
    }
}
