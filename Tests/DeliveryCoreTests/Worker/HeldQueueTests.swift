import DeliveryCore
import Testing

/// A host that asks for a pause: what waits for it stands in Redis, in order.
@Suite struct HeldQueueTests {
    @Test func `a 429 suspends the host: failed to the head, queued fresh ones to the tail`() throws
    {
        var trace = Trace.owning { $0.hostWindow = 1 }
        let first = try #require(trace.admit(.fanout(1, 7, to: [11])).sends.first)
        trace.admit(.fanout(2, 8, to: [11, 12]))
        let ended = trace.end(first, .status(429), retryAfter: .seconds(90))

        // The queued ones were not tried: they leave at once, without a commit.
        #expect(ended.steps == ["forget", "flush", "resolve"])
        let queued = try #require(ended.resolutions.first)
        #expect(queued.entry == 2)
        #expect(queued.holds.map(\.host) == [1])
        #expect(queued.holds.map(\.atHead) == [false])
        #expect(queued.holds.map(\.pointers) == [[pointer(8, 11), pointer(8, 12)]])
        #expect(queued.hostStates.map(\.condition.suspendedUntil) == [trace.wall + .seconds(90)])

        // The failed one leaves with the record of its attempt, which it has not used up.
        let batch = try #require(ended.flushes.first).batch
        #expect(batch.attempts.map(\.reason) == ["rate-limited"])
        #expect(batch.hosts.map(\.condition.suspendedUntil) == [trace.wall + .seconds(90)])
        let failed = try #require(trace.commit().resolutions.first)
        #expect(failed.entry == 1)
        #expect(failed.holds.map(\.atHead) == [true])
        #expect(failed.holds.map(\.pointers) == [[pointer(7, 11)]])
        #expect(trace.gauges.held == 3)
    }

    /// Host 1 suspended for 90 s with one delivery in its held queue, Redis has confirmed.
    static func suspended() throws -> Trace {
        var trace = Trace.owning()
        trace.read()
        let first = try #require(trace.admit(.fanout(1, 7, to: [11])).sends.first)
        trace.end(first, .status(429), retryAfter: .seconds(90))
        trace.resolve(try trace.commit())
        return trace
    }

    @Test func `fresh ones for a suspended host are held without being sent`() throws {
        var trace = try Self.suspended()
        let actions = trace.admit(.fanout(2, 8, to: [11, 21]))
        #expect(actions.sends.map(\.host) == ["h2.example"])
        trace.end(try #require(actions.sends.first), .status(200))
        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.holds.map(\.pointers) == [[pointer(8, 11)]])
        #expect(resolution.holds.map(\.atHead) == [false])
    }

    @Test func `what a former owner had brought back goes behind what it has put back since`()
        throws
    {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 1)])
        let read = trace.admit(.pointers(5, pointer(8, 11)))
        #expect(read.sends.isEmpty, "activity 7 may be what is held")
        let resolution = try #require(read.resolutions.first)
        #expect(resolution.holds.map(\.atHead) == [true])
        #expect(resolution.holds.map(\.pointers) == [[pointer(8, 11)]])
        // From now on what comes back is in its order.
        trace.resolve(read)
        trace.live(.milliseconds(300))
        trace.feed(.released(0, 1, 6, remaining: 0))
        let sends = trace.admit(.pointers(6, pointer(7, 11), pointer(8, 11))).sends
        #expect(sends.map(\.activity) == [7, 8])
    }

    @Test func `an entry that does not end holds up what is held for a minute, no longer`() throws {
        var trace = Trace { $0.preparationLimit = 1 }
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 1)])
        // Of one entry: what is for host 1 is to be held, and PostgreSQL refuses to tell of the rest.
        let first = trace.read(.pointers(5, pointer(8, 11), pointer(9, 21))).preparations
        let rest = trace.answer(try #require(first.first)).preparations
        trace.feed(.preparationFailed(try #require(rest.first).id))
        #expect(!trace.live(.seconds(59)).contains("release"))
        #expect(trace.live(.seconds(2)).contains("release"))
    }

    @Test func `what is held with an entry that stays open comes back without it`() throws {
        var trace = Trace.owning()
        trace.read()
        let sends = trace.admit(.fanout(1, 7, to: [11, 21])).sends
        trace.end(sends[0], .status(429), retryAfter: .seconds(2))
        trace.live(.milliseconds(100))
        #expect(try trace.commit().resolutions.isEmpty, "host 2 has not answered")
        let back = trace.live(.seconds(1)).preparations + trace.live(.seconds(2)).preparations
        #expect(back.map(\.request.inboxes) == [[11]])
        let preparation = try #require(back.first)
        let again = try #require(trace.answer(preparation).sends.first)
        #expect(again.url == InboxID(11).url)
        trace.end(again, .status(202))
        trace.end(sends[1], .status(202))
        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.holds.isEmpty && resolution.hostStates.isEmpty)
        #expect(trace.gauges.held == 0 && trace.gauges.open == 0)
    }

    @Test func `what comes back without its entry keeps its turn`() throws {
        var trace = OrderingTests.trace()
        let sends = trace.admit(.fanout(1, 1, to: [11, 21])).sends
        trace.end(sends[0], .status(429), retryAfter: .seconds(2))
        trace.live(.milliseconds(100))
        try trace.commit()
        let back = trace.live(.seconds(3)).preparations
        // The successor is read before PostgreSQL has answered.
        #expect(trace.admit(.fanout(2, 2, to: [11])).sends.isEmpty)
        let preparation = try #require(back.first)
        let again = try #require(trace.answer(preparation).sends.first)
        #expect(again.activity == 1)
        let ended = trace.end(again, .status(202))
        #expect(ended.sends.map(\.activity) == [2])
    }

    @Test func `the held ones are released when the pause ends, and not before`() throws {
        var trace = try Self.suspended()
        #expect(!trace.live(.seconds(89)).contains("release"))
        let released = trace.live(.seconds(2))
        #expect(released.releases.map(\.host) == [1], "and once only, until Redis has answered")
        #expect(trace.feed(.released(0, 1, 2, remaining: 0)).steps == [])
        let sends = trace.admit(.pointers(2, pointer(7, 11))).sends
        #expect(sends.map(\.activity) == [7])
        #expect(trace.gauges.held == 0)
        #expect(!trace.live(.seconds(2)).contains("release"))
    }

    @Test func `a backlog comes back part by part, the next when the last has gone out`() throws {
        var trace = try Self.suspended()
        trace.live(.seconds(91))
        trace.feed(.released(0, 1, 2, remaining: 100))
        let sends = trace.admit(.pointers(2, pointer(7, 11))).sends
        let ended = trace.end(try #require(sends.first), .status(200)) + trace.live(.seconds(1))
        #expect(ended.releases.isEmpty, "not while some of it is unsettled")
        let next = trace.resolve(try trace.commit())
        #expect(next.releases.map(\.host) == [1])
    }

    @Test func `a fresh one for a host with a backlog goes to the tail`() throws {
        var trace = try Self.suspended()
        trace.live(.seconds(91))
        trace.feed(.released(0, 1, 2, remaining: 5))
        let actions = trace.admit(.fanout(2, 8, to: [11]))
        #expect(actions.sends.isEmpty)
        #expect(actions.resolutions.first?.holds.map(\.atHead) == [false])
    }

    @Test func `one that has waited is sent although there is a backlog`() throws {
        var trace = try Self.suspended()
        trace.live(.seconds(91))
        trace.feed(.released(0, 1, 2, remaining: 5))
        #expect(trace.admit(.pointers(2, pointer(7, 11))).sends.count == 1)
    }

    @Test func `released ones that fail again return to the head, oldest first`() throws {
        var trace = Trace.owning { $0.hostWindow = 2 }
        let sends = trace.admit(
            .pointers(1, pointer(5, 11), pointer(6, 11), pointer(7, 11), pointer(8, 11))
        ).sends
        #expect(sends.map(\.activity) == [5, 6])
        // The younger of the two in flight fails first; 7 and 8 are held at once.
        trace.end(sends[1], .status(429), retryAfter: .seconds(60))
        trace.end(sends[0], .status(429), retryAfter: .seconds(60))
        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.holds.map(\.atHead) == [true])
        #expect(
            resolution.holds.map(\.pointers) == [
                [pointer(5, 11), pointer(6, 11), pointer(7, 11), pointer(8, 11)]
            ])
    }

    @Test func `of several pauses the longest counts`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11, 12])).sends
        trace.end(sends[0], .status(429), retryAfter: .seconds(600))
        trace.end(sends[1], .status(503), retryAfter: .seconds(5))
        trace.resolve(try trace.commit())
        #expect(!trace.live(.seconds(599)).contains("release"))
        #expect(trace.live(.seconds(2)).contains("release"))
    }

    @Test func `a failed release is repeated`() throws {
        var trace = try Self.suspended()
        trace.live(.seconds(91))
        trace.feed(.releaseFailed(0, 1))
        #expect(trace.live(.seconds(1)).releases.map(\.host) == [1])
    }

    @Test func `a new owner starts where the old one stopped`() {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(
            0,
            held: [
                HeldHost(
                    host: 1, condition: HostCondition(suspendedUntil: trace.wall + .seconds(30)),
                    held: 3),
                HeldHost(host: 2, condition: HostCondition(), held: 4),
                HeldHost(
                    host: 3, condition: HostCondition(suspendedUntil: trace.wall + .seconds(-1)),
                    held: 5),
            ])
        #expect(trace.gauges.held == 12)
        let actions = trace.admit(.fanout(1, 7, to: [11, 21, 41]))
        #expect(actions.sends.map(\.host) == ["h4.example"])
        #expect(
            Set(trace.history.releases.map(\.host) + trace.live(.seconds(1)).releases.map(\.host))
                == [2, 3])
        #expect(trace.live(.seconds(30)).releases.map(\.host) == [1])
    }

    @Test func `the other hosts go on`() throws {
        var trace = try Self.suspended()
        #expect(trace.admit(.fanout(2, 8, to: [21, 31])).sends.count == 2)
    }

    // MARK: Many backlogs

    /// Ten proven hosts, a hundred deliveries held for each.
    static func backlogs(_ change: (inout WorkerConfiguration) -> Void) -> Trace {
        var trace = Trace(change)
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        let held = (1...10).map {
            HeldHost(host: HostID(rawValue: $0), condition: HostCondition(), held: 100)
        }
        trace.own(0, held: held)
        return trace
    }

    @Test func `of many backlogs no more comes back than can be opened, and they take turns`() {
        var trace = Self.backlogs { $0.openLimit = 256 }
        #expect(trace.live(.seconds(1)).releases.map(\.host) == [1, 2])
        for (entry, inbox) in [(1, 11), (2, 21)] as [(StreamID, InboxID)] {
            trace.feed(.released(0, inbox.host, entry, remaining: 36))
            trace.admit(.pointers(entry, pointer(7, inbox)))
        }
        #expect(trace.live(.seconds(1)).releases.map(\.host) == [3, 4])
    }

    @Test func `hosts that never answered come back as far as they may be tried`() throws {
        var trace = try Self.strangers(10)
        #expect(trace.live(.seconds(2)).releases.map(\.host) == [1, 2, 3])
        trace.feed(.released(0, 1, nil, remaining: 0))
        #expect(trace.live(.seconds(1)).releases.map(\.host) == [4])
    }

    @Test func `as many more as have answered between two looks come back at once`() throws {
        var trace = try Self.strangers(10)
        #expect(trace.live(.seconds(2)).releases.count == 3)
        for number in 1...3 {
            let entry = StreamID(milliseconds: 5, sequence: UInt64(number))
            let inbox = InboxID(rawValue: Int32(number) * 10)
            trace.feed(.released(0, inbox.host, entry, remaining: 0))
            let sent = trace.admit(.pointers(entry, pointer(7, inbox))).sends
            for transmission in sent { trace.end(transmission, .status(200)) }
        }
        #expect(trace.live(.milliseconds(300)).releases.map(\.host) == [4, 5, 6, 7, 8, 9])
    }

    /// Three may be tried at once; one delivery is held for each.
    private static func strangers(_ count: Int32) throws -> Trace {
        var trace = Trace.owning {
            $0.slots = 12
            $0.suspectPercent = 25
        }
        trace.read()
        // PostgreSQL knows of a pause, so all are held.
        let inboxes = (1...count).map { InboxID(rawValue: $0 * 10) }
        let preparation = try #require(trace.read(.fanout(1, 7, to: inboxes)).preparations.first)
        var facts = trace.facts(on: preparation.request)
        for inbox in inboxes {
            facts.inboxes[inbox]?.hostCondition.suspendedUntil = trace.wall + .seconds(1)
        }
        trace.resolve(trace.feed(.prepared(preparation.id, facts)))
        #expect(trace.gauges.held == inboxes.count)
        return trace
    }
}
