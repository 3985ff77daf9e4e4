import DeliveryCore
import Testing

/// Our own name server or network away, as the machine sees it: no host is to blame.
@Suite struct OwnOutageTests {
    static let gone = Exchange.failed(.nameUnavailable, detail: "SERVFAIL")

    /// Hosts 1...count have answered, and then are silent until it is taken for our outage.
    /// Their next deliveries (activity 8) have failed once; those of activity 9 wait.
    static func away(
        hosts count: Int32 = 12, with exchange: Exchange = gone,
        _ change: (inout WorkerConfiguration) -> Void = { _ in }
    ) throws -> Trace {
        var trace = Trace.owning(change)
        trace.read()
        let inboxes = (1...count).map { InboxID(rawValue: $0 * 10 + 1) }
        for transmission in trace.admit(.fanout(1, 7, to: inboxes)).sends {
            trace.end(transmission, .status(202))
        }
        trace.resolve(try trace.commit())
        trace.live(.milliseconds(10))
        for transmission in trace.admit(.fanout(2, 8, to: inboxes)).sends {
            trace.end(transmission, exchange)
        }
        trace.resolve(try trace.commit())
        trace.live(.milliseconds(1_900))
        try #require(!trace.gauges.isAway)
        trace.live(.milliseconds(200))
        try #require(trace.gauges.isAway)
        return trace
    }

    /// What is read goes with the next round of canaries.
    static func canaries(_ trace: inout Trace, _ entry: LogEntry) -> [Transmission] {
        trace.admit(entry).sends + trace.live(.seconds(1)).sends
    }

    @Test func `it says so once, when it begins and when it ends`() throws {
        var trace = try Self.away()
        var canary = Self.canaries(&trace, .fanout(3, 9, to: [11]))
        for _ in 0..<5 {
            trace.end(try #require(canary.first), Self.gone)
            canary = trace.live(.seconds(2)).sends
        }
        #expect(trace.history.notices.count { $0.message.contains("is away") } == 1)
        trace.end(try #require(canary.first), .status(503))
        #expect(!trace.gauges.isAway)
        let messages = trace.history.notices.map(\.message)
        #expect(messages.count { $0.contains("is back") } == 1)
        #expect(!messages.contains { $0.contains("h1.example") })
    }

    @Test func `nothing but canaries is sent, to each host in its turn`() throws {
        var trace = try Self.away()
        let inboxes = (1...12).map { InboxID(rawValue: $0 * 10 + 2) }
        var canaries = Self.canaries(&trace, .fanout(3, 9, to: inboxes))
        var tried: [String] = []
        for _ in 0..<4 {
            #expect(canaries.count == 3)
            tried += canaries.map(\.host)
            for canary in canaries { #expect(trace.end(canary, Self.gone).sends.isEmpty) }
            canaries = trace.live(.seconds(1)).sends
        }
        #expect(Set(tried).count == 12)
        let later = trace.live(.seconds(1_200)).sends
        #expect(later.count <= 9, "those that hang are not followed by more and more")
    }

    @Test func `what fails uses nothing up, is not recorded, and waits in memory`() throws {
        var trace = try Self.away()
        let before = trace.history.flushes.flatMap(\.batch.attempts).count
        let canaries = Self.canaries(&trace, .fanout(3, 9, to: [11, 21, 31]))
        #expect(canaries.count == 3)
        for canary in canaries { trace.end(canary, Self.gone) }
        let actions = trace.live(.milliseconds(1_100))
        #expect(actions.resolves.isEmpty)
        #expect(trace.history.flushes.flatMap(\.batch.attempts).count == before)
        #expect(trace.gauges.open == 3 && trace.gauges.held == 0)
        #expect(Set(actions.sends.map(\.url)) == Set(canaries.map(\.url)))
    }

    @Test(arguments: [TransportFailure.nameNotFound, .connectFailed])
    func `circuits that it opened are closed again, and none opens in it`(
        failure: TransportFailure
    ) throws {
        var trace = try Self.away(with: .failed(failure, detail: "no"))
        var sends = Self.canaries(&trace, .fanout(3, 9, to: [11, 12, 13, 14, 15, 16]))
        for _ in 0..<30 {
            for transmission in sends { trace.end(transmission, .failed(failure, detail: "no")) }
            sends = trace.live(.seconds(20)).sends
        }
        try trace.commit()
        let states = trace.history.flushes.flatMap(\.batch.hosts)
        for host in (1...12).map({ HostID(rawValue: $0) }) {
            #expect(states.last { $0.host == host }?.state == .closed)
        }
    }

    @Test func `an answer ends it, and sending begins slowly`() throws {
        var trace = try Self.away(hosts: 40)
        let inboxes = (1...40).map { InboxID(rawValue: $0 * 10 + 2) }
        let canaries = Self.canaries(&trace, .fanout(3, 9, to: inboxes))
        trace.end(canaries[0], Self.gone)
        let first = trace.end(canaries[1], .status(202)).sends
        #expect(first.count == 9, "eight, and one for the answer")
        #expect(trace.end(first[0], .status(202)).sends.count == 2)
    }

    @Test func `a late failure of what was sent in it is excused too`() throws {
        var trace = try Self.away()
        let canaries = Self.canaries(&trace, .fanout(3, 9, to: [11, 21, 31]))
        trace.end(canaries[0], .status(202))
        let again = trace.end(canaries[1], .failed(.timedOut, detail: "silent"))
        #expect(again.sends.map(\.url) == [canaries[1].url], "at once, as if it had not been sent")
    }

    @Test func `circuits that opened since anybody answered are closed, however long ago`() throws {
        var trace = Trace.owning { $0.hostWindow = 3 }
        trace.read()
        let all = (1...13).map { InboxID(rawValue: $0 * 10 + 1) }
        for transmission in trace.admit(.fanout(1, 7, to: all)).sends {
            trace.end(transmission, .status(202))
        }
        trace.resolve(try trace.commit())
        trace.live(.seconds(1))
        for transmission in trace.admit(.fanout(2, 8, to: [131, 132, 133])).sends {
            trace.end(transmission, Self.gone)
        }
        trace.resolve(try trace.commit())
        let before = trace.history.flushes.flatMap(\.batch.hosts).last(where: { $0.host == 13 })
        try #require(before?.state == .open)
        // Nobody speaks of it any more when it is noticed.
        trace.live(.seconds(40))
        for transmission in trace.admit(.fanout(3, 9, to: Array(all.dropLast()))).sends {
            trace.end(transmission, Self.gone)
        }
        trace.resolve(try trace.commit())
        let noticed = trace.live(.seconds(3))
        #expect(trace.gauges.isAway)
        let reports = noticed.flushes.flatMap(\.batch.hosts)
        #expect(reports.last(where: { $0.host == 13 })?.state == .closed)
    }

    @Test func `strangers and hosts that are down are no evidence`() throws {
        var trace = Trace.owning()
        trace.read()
        let strangers = (1...40).map { InboxID(rawValue: $0 * 10) }
        for transmission in trace.admit(.fanout(1, 7, to: strangers)).sends {
            trace.end(transmission, Self.gone)
        }
        trace.live(.seconds(5))
        #expect(!trace.gauges.isAway)
    }

    @Test func `a host that is down gets no probe in it, and does not age`() throws {
        var trace = try Self.away()
        let week = Duration.seconds(7 * 86_400)
        let record = HostCondition(
            failingSince: trace.wall - week + .seconds(600), probeDue: trace.wall + .seconds(60),
            cause: "timed-out")
        let read = trace.read(.fanout(3, 9, to: [991]))
        let preparation = try #require(read.preparations.first)
        var facts = trace.facts(on: preparation.request)
        facts.inboxes[991]?.hostCondition = record
        trace.feed(.prepared(preparation.id, facts))
        #expect(trace.history.resolutions.flatMap(\.holds).map(\.host) == [99])
        trace.resolve(trace.history)
        #expect(!trace.live(.seconds(1_200)).contains("release"))
        let canary = Self.canaries(&trace, .fanout(4, 10, to: [11]))
        trace.end(try #require(canary.first), .status(202))
        #expect(!trace.live(.seconds(50)).releases.contains { $0.host == 99 })
        #expect(trace.live(.seconds(20)).releases.filter { $0.host == 99 }.map(\.count) == [1])
    }

    @Test func `a worker that drains hands back what it could not send`() throws {
        var trace = try Self.away()
        let canary = Self.canaries(&trace, .fanout(3, 9, to: [11, 21]))
        trace.feed(.drainRequested)
        for transmission in canary { trace.end(transmission, Self.gone) }
        let resolutions = trace.live(.milliseconds(500)).resolutions + trace.history.resolutions
        let held = resolutions.filter { $0.entry == 3 }.flatMap(\.holds)
        #expect(held.allSatisfy { $0.atHead })
        #expect(Set(held.flatMap(\.pointers).map(\.attempts)) == [0])
        #expect(trace.gauges.open == 0 || !held.isEmpty)
    }
}
