import DeliveryCore
import Testing

/// Where two rules meet: pauses, circuits, chains, and what is taken back.
@Suite struct CrossingTests {
    /// Host 1 answers its probe with 502, one more is held; what erred is in `later` until then.
    private func erring(
        retryAfter: Duration? = nil
    ) throws -> (trace: Trace, back: Resolution.Later) {
        var trace = try CircuitTraceTests.open()
        trace.live(.seconds(43))
        trace.feed(.released(0, 1, 2, remaining: 1))
        let probe = try #require(trace.admit(.pointers(2, pointer(7, 13))).sends.first)
        trace.end(probe, .status(retryAfter == nil ? 502 : 503), retryAfter: retryAfter)
        trace.resolve(try trace.commit())
        return (trace, try #require(trace.history.resolutions.last?.laters.first))
    }

    @Test func `what follows one into the held queue is no probe before it`() throws {
        var trace = OrderingTests.trace()
        let sends = trace.admit(.fanout(1, 1, to: [11, 21])).sends
        #expect(trace.admit(.pointers(2, pointer(2, 11))).sends.isEmpty)
        trace.end(sends[0], .failed(.nameNotFound, detail: "no such host"))
        trace.live(.milliseconds(100))
        try trace.commit()
        // The probe is due, but what is held waits for its entry.
        trace.live(.seconds(50))
        trace.end(sends[1], .status(202))
        trace.live(.milliseconds(100))
        let ended = try trace.commit()
        #expect(ended.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(1, 11)]])
        let after = trace.resolve(ended)
        #expect(after.sends.isEmpty, "its predecessor stands in the held queue")
        #expect(after.resolutions.flatMap(\.holds).map(\.atHead) == [false])
    }

    @Test func `what erred goes behind a predecessor that is held`() throws {
        var (trace, _) = try erring()
        for (activity, lane) in [(1, .bulk), (2, .normal)] as [(ActivityID, Lane)] {
            trace.activities[activity] = PreparedFacts.Activity(
                lane: lane, stored: trace.wall, expires: nil, size: 1,
                order: OrderingTests.object, kind: .revision)
        }
        let other = try #require(trace.admit(.fanout(3, 1, to: [11, 21])).sends.first)
        #expect(trace.admit(.pointers(4, pointer(2, 11, attempts: 1))).resolutions.isEmpty)
        trace.end(other, .status(202))
        trace.live(.milliseconds(100))
        let ended = try trace.commit()
        #expect(ended.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(1, 11)]])
        let after = trace.resolve(ended).resolutions
        #expect(after.flatMap(\.laters).isEmpty, "it would come back before it")
        #expect(after.flatMap(\.holds).map(\.atHead) == [false])
    }

    @Test func `what erred does not go round in later while an operator pauses its host`() throws {
        var (trace, back) = try erring()
        trace.feed(
            .controlsChanged(ControlTests.controls(HostControl(isPaused: true))))
        trace.live(back.due - trace.wall)
        let early = trace.admit(.pointers(3, back.pointer)).resolutions
        #expect(early.flatMap(\.laters).isEmpty)
        #expect(early.flatMap(\.holds).map(\.pointers) == [[back.pointer]])
    }

    @Test func `what erred does not go round in later while its host has asked for a pause`()
        throws
    {
        var (trace, back) = try erring(retryAfter: .seconds(3_600))
        trace.live(back.due - trace.wall)
        let early = trace.admit(.pointers(3, back.pointer)).resolutions
        #expect(early.flatMap(\.laters).isEmpty)
        #expect(early.flatMap(\.holds).map(\.pointers) == [[back.pointer]])
    }

    @Test func `jobs of a paused lane that wait for others do not keep others from being read`()
        throws
    {
        var trace = Trace.owning { $0.intakeLimit = 2 }
        let arrived = trace.feed(
            .intakeRead([.following(2, lane: .bulk), .following(3, lane: .bulk)]))
        let question = try #require(arrived.questions.first)
        trace.feed(.predecessorsFound(question.id, [.these([1]), .these([1])]))
        var controls = Controls()
        controls.pause(.bulk, Pause(since: trace.wall))
        let paused = trace.feed(.controlsChanged(controls))
        #expect((paused + trace.live(.seconds(1))).intakeReads == [[.urgent, .normal]])
        let resumed = trace.feed(.controlsChanged(Controls()))
        #expect(resumed.contains("findPredecessors"))
        #expect(trace.feed(.intakeRead([])).intakeReads.isEmpty, "they count again")
    }

    @Test func `what is taken back may have been delivered by another entry`() throws {
        var trace = Trace.owning()
        trace.read()
        // Routed twice: the other entry's has gone from the held queue meanwhile.
        let sends = trace.admit(.fanout(1, 7, to: [11, 21], again: true)).sends
        trace.end(sends[0], .status(429), retryAfter: .seconds(2))
        trace.live(.milliseconds(100))
        try trace.commit()
        let back = try #require(trace.live(.seconds(3)).preparations.first)
        #expect(back.request.checks == [7: [11]])
        #expect(trace.answer(back, settled: [7: [11]]).sends.isEmpty)
    }

    /// Activity 1 is to be held for host 1 with an entry that stays open, 2 waits behind it, and
    /// another entry with the first is being prepared when the pause of the host ends.
    private func broughtTwice() throws -> (
        trace: Trace, second: (id: PreparationID, request: PreparationRequest)
    ) {
        var trace = OrderingTests.trace()
        let sends = trace.admit(.fanout(1, 1, to: [11, 21])).sends
        trace.end(sends[0], .status(429), retryAfter: .seconds(2))
        trace.live(.milliseconds(100))
        try trace.commit()
        #expect(trace.admit(.fanout(2, 2, to: [11])).resolutions.isEmpty)
        let again = trace.read(.fanout(3, 1, to: [11], again: true))
        let back = trace.live(.seconds(4))
        #expect(back.sends.isEmpty && back.resolutions.isEmpty)
        return (trace, try #require(again.preparations.first))
    }

    @Test func `what another entry has brought meanwhile takes over the turn`() throws {
        var (trace, second) = try broughtTwice()
        let first = try #require(trace.answer(second).sends.first)
        #expect(first.activity == 1)
        #expect(trace.end(first, .status(202)).sends.map(\.activity) == [2])
        #expect(trace.gauges.held == 0)
    }

    @Test func `if it was delivered, its successor has its turn`() throws {
        var (trace, second) = try broughtTwice()
        #expect(trace.answer(second, settled: [1: [11]]).sends.map(\.activity) == [2])
        #expect(trace.gauges.held == 0)
    }

    @Test func `what erred does not go round in later while it is us who are away`() throws {
        var trace = Trace.owning()
        trace.read()
        // Host 99 answers with 5xx: its circuit is open, and nothing of it is held.
        var erring = trace.admit(
            .fanout(1, 5, to: [991, 992, 993, 994]), .fanout(2, 6, to: [995])
        ).sends
        while let first = erring.popLast() {
            erring += trace.end(first, .status(502)).sends
        }
        #expect(trace.history.flushes.flatMap(\.batch.hosts).last?.state == .open)
        trace.resolve(try trace.commit())
        trace.live(.seconds(8))
        let inboxes = (1...12).map { InboxID(rawValue: $0 * 10 + 1) }
        for transmission in trace.admit(.fanout(3, 7, to: inboxes)).sends {
            trace.end(transmission, .status(202))
        }
        trace.live(.milliseconds(100))
        for transmission in trace.admit(.fanout(4, 8, to: inboxes)).sends {
            trace.end(transmission, OwnOutageTests.gone)
        }
        trace.live(.seconds(3))
        try #require(trace.gauges.isAway)
        // Its probe is due, and waits for us; so does another.
        trace.admit(.pointers(5, pointer(5, 991, attempts: 1)))
        var rounds = 0
        var entry: UInt64 = 10
        var back: Resolution.Later? = Resolution.Later(
            pointer: pointer(6, 995, attempts: 1), due: trace.wall)
        let end = trace.wall + .seconds(1_200)
        while let later = back, later.due < end {
            if later.due > trace.wall { trace.live(later.due - trace.wall) }
            rounds += 1
            entry += 1
            let id = StreamID(milliseconds: entry, sequence: 0)
            back = trace.admit(.pointers(id, later.pointer)).resolutions.flatMap(\.laters).first
        }
        #expect((5...50).contains(rounds))
    }
}
