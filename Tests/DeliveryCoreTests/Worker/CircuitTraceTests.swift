import DeliveryCore
import Testing

/// A host that is down: one probe stands for all that waits.
@Suite struct CircuitTraceTests {
    /// Host 1 has refused the connection as often as it takes; one delivery of it is held.
    static func open() throws -> Trace {
        var trace = Trace.owning { $0.hostWindow = 3 }
        trace.read()
        let sends = trace.admit(.fanout(1, 7, to: [11, 12, 13])).sends
        #expect(sends.count == 3)
        for transmission in sends {
            trace.end(transmission, .failed(.connectFailed, detail: "refused"))
        }
        let resolved = try trace.commit()
        trace.resolve(resolved)
        return trace
    }

    @Test func `a window of failures opens it: what is queued is held, and PostgreSQL is told`()
        throws
    {
        var trace = Trace.owning { $0.hostWindow = 3 }
        let sends = trace.admit(.fanout(1, 7, to: [11, 12, 13])).sends
        // Waits behind them, until the window has shrunk below what is in flight.
        #expect(trace.admit(.fanout(2, 8, to: [14, 15])).sends.isEmpty)
        trace.end(sends[0], .failed(.connectFailed, detail: "refused"))
        #expect(trace.gauges.inFlight == 2)
        let fourth = trace.end(sends[1], .failed(.connectFailed, detail: "refused")).sends
        #expect(fourth.map(\.activity) == [8])
        trace.end(sends[2], .failed(.connectFailed, detail: "refused"))
        #expect(trace.end(fourth[0], .failed(.connectFailed, detail: "refused")).sends.isEmpty)
        let resolutions = try trace.commit().resolutions
        let held = try #require(resolutions.first { $0.entry == 2 })
        #expect(held.holds.filter { !$0.atHead }.map(\.pointers) == [[pointer(8, 15)]])
        let resolution = try #require(resolutions.first { $0.entry == 1 })
        // The two that failed before it opened wait on their own, with an attempt used up.
        #expect(resolution.laters.map(\.pointer.attempts) == [1, 1])
        #expect(resolution.holds.filter(\.atHead).map(\.pointers) == [[pointer(7, 13)]])
        #expect(resolution.hostStates.map(\.condition.cause) == ["connect-failed"])
        let reports = trace.history.flushes.flatMap(\.batch.hosts)
        #expect(reports.last?.state == .open)
        #expect(trace.history.notices.count { $0.message.contains("h1.example") } == 1)
    }

    @Test func `fresh ones are held unsent, and no slot waits`() throws {
        var trace = try Self.open()
        let actions = trace.admit(.fanout(2, 8, to: [11, 21]))
        #expect(actions.sends.map(\.host) == ["h2.example"])
        #expect(trace.gauges.inFlight == 1)
    }

    @Test func `one probe goes when it is due, and the next one later`() throws {
        var trace = try Self.open()
        #expect(!trace.live(.seconds(29)).contains("release"))
        let released = trace.live(.seconds(14))
        #expect(released.releases.map(\.count) == [1])
        trace.feed(.released(0, 1, 2, remaining: 1))
        let probe = trace.admit(.pointers(2, pointer(7, 13))).sends
        #expect(probe.count == 1)
        #expect(!trace.live(.seconds(9)).contains("release"), "one at a time")

        trace.end(try #require(probe.first), .failed(.connectFailed, detail: "refused"))
        let back = trace.resolve(try trace.commit())
        #expect(back.releases.isEmpty)
        let resolution = try #require(trace.history.resolutions.last)
        #expect(resolution.holds.map(\.atHead) == [true])
        #expect(resolution.holds.map(\.pointers) == [[pointer(7, 13)]], "no attempt is used up")
        #expect(!trace.live(.seconds(29)).contains("release"))
        #expect(trace.live(.seconds(14)).releases.map(\.count) == [1])
    }

    @Test func `an answer closes it, and its backlog comes back at a slow start`() throws {
        var trace = try Self.open()
        trace.live(.seconds(43))
        trace.feed(.released(0, 1, 2, remaining: 100))
        let probe = try #require(trace.admit(.pointers(2, pointer(7, 13))).sends.first)
        trace.end(probe, .status(404))
        let next = trace.resolve(try trace.commit())
        #expect(next.releases.map(\.count) == [64])
        trace.feed(.released(0, 1, 3, remaining: 36))
        let pointers = (0..<8).map { pointer(ActivityID(rawValue: 20 + $0), 11) }
        let sends = trace.admit(LogEntry(id: 3, content: .pointers(pointers))).sends
        #expect(sends.map(\.activity) == [20], "one at first")
        #expect(trace.end(sends[0], .status(200)).sends.map(\.activity) == [21, 22])
        let reports = trace.history.flushes.flatMap(\.batch.hosts)
        #expect(reports.last?.state == .closed)
    }

    @Test func `a probe that is answered with an error waits behind all that was not tried`()
        throws
    {
        var trace = try Self.open()
        trace.live(.seconds(43))
        trace.feed(.released(0, 1, 2, remaining: 1))
        let probe = try #require(trace.admit(.pointers(2, pointer(7, 13))).sends.first)
        trace.end(probe, .status(502))
        trace.resolve(try trace.commit())
        let back = try #require(trace.history.resolutions.last?.laters.first)
        #expect(back.pointer == pointer(7, 13, attempts: 1))

        // It comes back while others are held: it stands back again, and uses nothing up.
        let until = back.due - trace.wall
        trace.live(until)
        let early = trace.admit(.pointers(3, back.pointer))
        #expect(early.sends.isEmpty)
        let again = try #require(early.resolutions.last?.laters.first)
        #expect(again.pointer == back.pointer && again.due > trace.wall)

        // What was not tried is the probe; alone, what erred is one too.
        trace.feed(.released(0, 1, 4, remaining: 0))
        let other = try #require(trace.admit(.pointers(4, pointer(8, 14))).sends.first)
        #expect(other.activity == 8)
        trace.end(other, .failed(.connectFailed, detail: "refused"))
        trace.resolve(try trace.commit())
        #expect(trace.history.resolutions.last?.holds.map(\.atHead) == [true])
    }

    @Test func `of one activity that errs its other inboxes are no probes either`() throws {
        var trace = try Self.open()
        trace.live(.seconds(43))
        trace.feed(.released(0, 1, 2, remaining: 2))
        let probe = try #require(trace.admit(.pointers(2, pointer(7, 13))).sends.first)
        trace.end(probe, .status(502))
        trace.resolve(try trace.commit())
        let due = trace.live(.seconds(80)).releases
        #expect(due.map(\.count) == [1])
        trace.feed(.released(0, 1, 3, remaining: 1))
        let other = trace.admit(.pointers(3, pointer(7, 14)))
        #expect(other.sends.isEmpty)
        #expect(other.resolutions.last?.laters.map(\.pointer) == [pointer(7, 14)])
        #expect(trace.resolve(other).releases.map(\.count) == [1], "the next is tried at once")
    }

    @Test func `what is past its budget is shed at the probe, and more of it at a time`() throws {
        var trace = try Self.open()
        trace.activities[5] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall + .seconds(-3 * 86_400), expires: nil, size: 1)
        trace.live(.seconds(43))
        trace.feed(.released(0, 1, 2, remaining: 500))
        let shed = trace.admit(.pointers(2, pointer(5, 13)))
        #expect(shed.sends.isEmpty)
        #expect(shed.flushes.first?.batch.failures.map(\.reason) == ["retries-exhausted"])
        let next = trace.resolve(try trace.commit())
        #expect(next.releases.map(\.count) == [64])
    }

    @Test func `after a week it is dead: nothing waits for it, and one a day tries it`() throws {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        let record = HostCondition(
            failingSince: trace.wall + .seconds(-8 * 86_400),
            probeDue: trace.wall + .seconds(3_600), cause: "timed-out")
        trace.own(0, held: [HeldHost(host: 1, condition: record, held: 3)])
        #expect(trace.live(.milliseconds(300)).releases.map(\.count) == [2])
        trace.feed(.released(0, 1, 2, remaining: 1))
        let dropped = trace.admit(.pointers(2, pointer(7, 11), pointer(8, 11)))
        #expect(dropped.sends.isEmpty)
        let outcomes = trace.history.flushes.flatMap(\.batch.outcomes)
        #expect(outcomes.map(\.state) == [.dropped, .dropped])
        #expect(trace.resolve(try trace.commit()).releases.isEmpty)

        // The newest was kept to try it with, and is kept again.
        #expect(trace.live(.seconds(3_500)).releases.isEmpty)
        #expect(trace.live(.seconds(200)).releases.map(\.count) == [1])
        trace.feed(.released(0, 1, 3, remaining: 0))
        let probe = try #require(trace.admit(.pointers(3, pointer(9, 11))).sends.first)
        trace.end(probe, .failed(.timedOut, detail: "silent"))
        let kept = try #require(trace.commit().resolutions.last)
        #expect(kept.holds.map(\.pointers) == [[pointer(9, 11)]])
        let reports = trace.history.flushes.flatMap(\.batch.hosts)
        #expect(reports.last?.state == .dead)
        trace.resolve(trace.history)
        let fresh = trace.admit(.fanout(4, 10, to: [11]))
        #expect(
            fresh.sends.isEmpty
                && fresh.flushes.flatMap(\.batch.outcomes).map(\.state) == [.dropped])
        #expect(trace.live(.seconds(86_300)).releases.isEmpty, "once a day")
    }

    @Test func `a dead host that nothing is kept for is tried with what is fresh, one of it`()
        throws
    {
        var trace = Trace.owning()
        trace.read()
        let record = HostCondition(
            failingSince: trace.wall + .seconds(-8 * 86_400), probeDue: trace.wall,
            cause: "timed-out")
        let read = trace.read(.fanout(3, 9, to: [11, 12]))
        let preparation = try #require(read.preparations.first)
        var facts = trace.facts(on: preparation.request)
        for inbox in [11, 12] as [InboxID] { facts.inboxes[inbox]?.hostCondition = record }
        let prepared = trace.feed(.prepared(preparation.id, facts))
        #expect(prepared.sends.map(\.url) == [InboxID(11).url])
        trace.live(.milliseconds(100))
        let outcomes = trace.history.flushes.flatMap(\.batch.outcomes)
        #expect(outcomes.map(\.state) == [.dropped])
        let probe = try #require(prepared.sends.first)
        #expect(trace.end(probe, .status(202)).notices.contains { $0.message.contains("again") })
    }

    @Test func `a fresh one probes a host that nothing waits for`() throws {
        var trace = Trace.owning()
        trace.read()
        let record = HostCondition(
            failingSince: trace.wall + .seconds(-3_600), probeDue: trace.wall, cause: "timed-out")
        let read = trace.read(.fanout(1, 7, to: [11, 12]))
        let preparation = try #require(read.preparations.first)
        var facts = trace.facts(on: preparation.request)
        for inbox in [11, 12] as [InboxID] { facts.inboxes[inbox]?.hostCondition = record }
        let sends = trace.feed(.prepared(preparation.id, facts)).sends
        #expect(sends.map(\.url) == [InboxID(11).url], "and PostgreSQL knew that it is down")
        trace.end(try #require(sends.first), .status(200))
        #expect(trace.history.notices.contains { $0.message.contains("answers again") })
    }

    @Test func `a host that is down, and that nothing waits for, is forgotten among many`() throws {
        var trace = Trace.owning()
        trace.read()
        let record = HostCondition(
            failingSince: trace.wall + .seconds(-8 * 86_400),
            probeDue: trace.wall + .seconds(80_000), cause: "timed-out")
        for entry in 1...20 as ClosedRange<Int32> {
            let inboxes = (0..<512).map { InboxID(rawValue: (entry * 512 + $0) * 10) }
            let id = StreamID(milliseconds: UInt64(entry), sequence: 0)
            let preparation = try #require(
                trace.read(.fanout(id, 7, to: inboxes)).preparations.first)
            var facts = trace.facts(on: preparation.request)
            for inbox in inboxes { facts.inboxes[inbox]?.hostCondition = record }
            trace.feed(.prepared(preparation.id, facts))
            trace.live(.milliseconds(100))
            trace.resolve(try trace.commit())
        }
        #expect(trace.gauges.open == 0)
        trace.live(.seconds(1))
        #expect(trace.gauges.hosts == 8_192)
    }

    // MARK: Probes that wait for a slot

    /// Host 1 is down, one of its transfers is still under way, and its probe waits because host 2
    /// has the other slots.
    private static func probeWaiting() throws -> (trace: Trace, late: Transmission) {
        var trace = Trace.owning { $0.slots = 4 }
        trace.read()
        let late = trace.admit(.fanout(1, 7, to: [11])).sends
        let invalid = trace.admit(.fanout(2, 7, to: [12])).sends
        trace.end(try #require(invalid.first), .failed(.certificateInvalid, detail: "expired"))
        trace.live(.milliseconds(100))
        trace.resolve(try trace.commit())
        trace.admit(.fanout(3, 8, to: [21, 22, 23]))
        #expect(trace.gauges.inFlight == 4)
        #expect(trace.live(.seconds(43)).releases.map(\.count) == [1])
        trace.feed(.released(0, 1, 4, remaining: 0))
        #expect(trace.admit(.pointers(4, pointer(7, 12))).sends.isEmpty)
        return (trace, try #require(late.first))
    }

    @Test func `a late answer needs no probe: the one that waits for its slot goes like any other`()
        throws
    {
        var (trace, late) = try Self.probeWaiting()
        #expect(trace.end(late, .status(200)).sends.map(\.url) == [InboxID(12).url])
    }

    @Test func `a late answer that asks for a pause has one from the waiting probe too`() throws {
        var (trace, late) = try Self.probeWaiting()
        let actions = trace.end(late, .status(503), retryAfter: .seconds(600))
        #expect(actions.sends.isEmpty)
        #expect(actions.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(7, 12)]])
    }

    @Test func `a probe that left before its slot came leaves no other in its name`() throws {
        var trace = Trace.owning {
            $0.partitionCount = 2
            $0.unsettledLimit = 1
        }
        trace.read()
        let record = HostCondition(
            failingSince: trace.wall + .seconds(-3_600), probeDue: trace.wall, cause: "timed-out")
        let busy = trace.admit(.fanout(1, 6, to: [91])).sends
        // From here on no slot is given until the result is on record.
        trace.end(try #require(busy.first), .status(200))
        for (entry, inbox, partition) in [(2, 11, 1), (3, 21, 0)] as [(StreamID, InboxID, Int)] {
            let read = trace.read(
                .fanout(entry, 7, to: [inbox]), from: PartitionNumber(rawValue: partition))
            let preparation = try #require(read.preparations.first)
            var facts = trace.facts(on: preparation.request)
            facts.inboxes[inbox]?.hostCondition = record
            #expect(trace.feed(.prepared(preparation.id, facts)).sends.isEmpty)
            trace.feed(.fenced(OwnedLease(partition: 1, epoch: 1)))
            trace.read()
        }
        #expect(try trace.commit().sends.map(\.url) == [InboxID(21).url])
    }

    // MARK: Shares of the slots

    @Test func `hosts that never answered have a quarter of the slots, and the proven the rest`()
        throws
    {
        var trace = Trace.owning {
            $0.slots = 8
            $0.suspectPercent = 25
        }
        let suspects = trace.admit(.fanout(1, 7, to: (1...9).map { InboxID(rawValue: $0 * 10) }))
        #expect(suspects.sends.count == 2)
        // One answers: it is proven, and the next suspect has its place.
        #expect(trace.end(suspects.sends[0], .status(200)).sends.count == 1)
        let proven = trace.admit(.fanout(2, 8, to: [10, 11, 12, 13])).sends
        #expect(proven.map(\.host) == Array(repeating: "h1.example", count: 4))
        #expect(trace.gauges.inFlight == 6)
    }

    @Test func `a tenth of the slots is kept for what is urgent`() {
        var trace = Trace.owning {
            $0.slots = 10
            $0.urgentPercent = 10
        }
        let sends = trace.admit(.fanout(1, 7, to: (1...20).map { InboxID(rawValue: $0 * 10) }))
        #expect(sends.sends.count == 9)
        trace.lane = .urgent
        #expect(trace.admit(.fanout(2, 8, to: [11])).sends.map(\.activity) == [8])
    }

    @Test func `a celebrity delays no other sender`() throws {
        var trace = Trace.owning { $0.slots = 1 }
        trace.activities[8] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall, expires: nil, size: 1, sender: 2)
        let first = trace.admit(.fanout(1, 7, to: (1...30).map { InboxID(rawValue: $0 * 10) }))
        trace.admit(.fanout(2, 8, to: [301]))
        var order: [ActivityID] = []
        var next = first.sends
        while order.count < 3, let transmission = next.first {
            order.append(transmission.activity)
            next = trace.end(transmission, .status(200)).sends
        }
        #expect(order.contains(8), "\(order)")
    }
}
