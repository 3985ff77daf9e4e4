import DeliveryCore
import Testing

/// What operators pause beside hosts: lanes and senders.
@Suite struct PauseTests {
    static let sender = SenderID(rawValue: 5)

    /// Activities 1, 2 and 3 are Create, Update and Delete of one object in lane bulk, 4 is of lane
    /// normal, 5 of lane bulk; 1, 2, 3 and 4 are of the sender.
    private func trace(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Trace {
        var trace = Trace.owning(change)
        trace.read()
        let kinds: [(ActivityID, ActivityKind)] = [(1, .revision), (2, .revision), (3, .deletion)]
        for (activity, kind) in kinds {
            trace.activities[activity] = PreparedFacts.Activity(
                lane: .bulk, stored: trace.wall, expires: nil, size: 1, sender: Self.sender,
                order: OrderingTests.object, kind: kind)
        }
        trace.activities[4] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall, expires: nil, size: 1, sender: Self.sender)
        trace.activities[5] = PreparedFacts.Activity(
            lane: .bulk, stored: trace.wall, expires: nil, size: 1)
        return trace
    }

    @discardableResult
    private func pause(
        _ lanes: Lane..., sender: SenderID? = nil, in trace: inout Trace, until: WallTime? = nil
    ) -> [Action] {
        var controls = Controls()
        let pause = Pause(since: trace.wall, until: until)
        for lane in lanes { controls.pause(lane, pause) }
        if let sender { controls.pause(sender, pause) }
        return trace.feed(.controlsChanged(controls))
    }

    private func resume(_ trace: inout Trace) -> [Action] {
        trace.feed(.controlsChanged(Controls()))
    }

    // MARK: Intake

    @Test
    func `a paused lane is not read: the read that is out is ended, the next is for the rest`() {
        var trace = trace()
        #expect(trace.history.intakeReads == [Lane.intake])
        #expect(pause(.bulk, in: &trace).steps == ["interruptIntakeRead"])
        #expect(trace.live(.seconds(3)).steps.isEmpty, "it is interrupted once")
        #expect(trace.feed(.intakeRead([])).intakeReads == [[.urgent, .normal]])

        #expect(resume(&trace).steps == ["interruptIntakeRead"])
        #expect(trace.feed(.intakeRead([])).intakeReads == [Lane.intake])
    }

    @Test func `with all lanes paused nothing is read, and at once when one is resumed`() {
        var trace = trace()
        pause(.urgent, .normal, .bulk, in: &trace)
        trace.feed(.intakeRead([]))
        #expect(trace.live(.seconds(10)).intakeReads.isEmpty)
        #expect(resume(&trace).intakeReads == [Lane.intake])
    }

    @Test func `a worker that starts while a lane is paused never reads it`() {
        var trace = Trace()
        trace.feed(.redisConnected)
        pause(.bulk, in: &trace)
        trace.feed(.postgresConnected)
        trace.feed(.membershipSeen(alive: [me]))
        trace.live(.seconds(10))
        #expect(trace.history.intakeReads == [[.urgent, .normal]])
        #expect(trace.history.recoveries.allSatisfy { $0 == [.urgent, .normal] })
        #expect(!trace.history.recoveries.isEmpty)
        #expect(
            resume(&trace).recoveries == [Lane.intake], "what absent workers left comes at once")
    }

    @Test func `what was read of it before is not expanded until it is resumed`() {
        var trace = trace()
        pause(.bulk, in: &trace)
        let read = trace.feed(.intakeRead([.job(1, lane: .bulk), .job(2)]))
        #expect(read.expansions.flatMap(\.jobs).map(\.reference.lane) == [.normal])
        #expect(!trace.live(.seconds(5)).contains("expand"))
        let expanded = resume(&trace).expansions.flatMap(\.jobs)
        #expect(expanded.map(\.reference.id) == [1])
    }

    @Test func `what is in hand of it does not keep others from being read`() {
        var trace = trace { $0.intakeLimit = 2 }
        pause(.bulk, in: &trace)
        let read = trace.feed(.intakeRead([.job(1, lane: .bulk), .job(2, lane: .bulk)]))
        #expect(read.intakeReads == [[.urgent, .normal]])
        _ = resume(&trace)
        #expect(trace.feed(.intakeRead([])).intakeReads.isEmpty, "they count again")
    }

    @Test func `a timed pause ends by itself`() {
        var trace = trace()
        pause(.bulk, in: &trace, until: trace.wall + .seconds(10))
        trace.feed(.intakeRead([.job(1, lane: .bulk)]))
        #expect(trace.live(.milliseconds(9_900)).expansions.isEmpty)
        let ended = trace.live(.milliseconds(1_200))
        #expect(ended.expansions.count == 1)
        #expect(ended.contains("interruptIntakeRead"), "the read that is out leaves the lane out")
    }

    // MARK: Deliveries

    @Test func `what comes from the log is put off, with no attempt used up, and others go`() throws
    {
        var trace = trace()
        pause(.bulk, in: &trace)
        let actions = trace.admit(.fanout(1, 5, to: [11, 21]), .fanout(2, 4, to: [12]))
        #expect(actions.sends.map(\.activity) == [4])
        let resolution = try #require(actions.resolutions.first { $0.entry == 1 })
        #expect(resolution.holds.isEmpty)
        #expect(resolution.laters.map(\.pointer) == [pointer(5, 11), pointer(5, 21)])
        for later in resolution.laters {
            #expect((.seconds(24) ... .seconds(30)).contains(later.due - trace.wall))
        }
        #expect(trace.gauges.open == 1, "it does not fill the table")
    }

    @Test func `what is queued is put off when the pause comes, what is in flight ends`() throws {
        var trace = trace { $0.hostWindow = 1 }
        let sent = try #require(trace.admit(.fanout(1, 5, to: [11, 12])).sends.first)
        trace.admit(.fanout(2, 4, to: [13]))
        let paused = pause(.bulk, in: &trace)
        #expect(paused.sends.isEmpty && trace.gauges.open == 2)
        #expect(trace.end(sent, .status(202)).sends.map(\.activity) == [4])
        trace.live(.milliseconds(100))
        let ended = try #require(trace.commit().resolutions.first { $0.entry == 1 })
        #expect(ended.laters.map(\.pointer) == [pointer(5, 12)])
    }

    @Test func `a second knock of a paused lane is not made`() throws {
        var trace = trace()
        let sent = try #require(trace.admit(.fanout(1, 5, to: [11])).sends.first)
        pause(.bulk, in: &trace)
        #expect(trace.end(sent, .status(401)).sends.isEmpty)
        let held = try #require(trace.commit().resolutions.first)
        #expect(held.holds.map(\.pointers) == [[pointer(5, 11)]])
    }

    @Test func `a probe of a paused lane is put off, and another goes in its place`() throws {
        var trace = try CircuitTraceTests.open()
        trace.activities[7] = PreparedFacts.Activity(
            lane: .bulk, stored: trace.wall, expires: nil, size: 1)
        pause(.bulk, in: &trace)
        trace.live(.seconds(45))
        trace.feed(.released(0, 1, 2, remaining: 1))
        let probe = trace.admit(.pointers(2, pointer(7, 13)))
        #expect(probe.sends.isEmpty)
        #expect(probe.resolutions.flatMap(\.laters).map(\.pointer) == [pointer(7, 13)])
        #expect(trace.resolve(probe).releases.map(\.count) == [1])
    }

    @Test func `half the age of the pause is waited, from 30 s to 15 min, and not beyond its end`()
    {
        let start = WallTime(milliseconds: 1_800_000_000_000)
        var random = SeededGenerator(seed: 1)
        for (age, wait) in [(0, 30), (200, 100), (3_600, 900), (86_400, 900), (-50, 30)] {
            let now = start + .seconds(age)
            for _ in 0..<50 {
                let due = Pause(since: start).due(at: now, using: &random)
                #expect((.seconds(wait) * 4 / 5 ... .seconds(wait)).contains(due - now))
            }
        }
        let timed = Pause(since: start, until: start + .seconds(3_610))
        #expect(timed.due(at: start + .seconds(3_600), using: &random) == timed.until)
    }

    // MARK: Order

    @Test func `no successor overtakes what is put off`() throws {
        var trace = trace()
        pause(.bulk, in: &trace)
        let create = try #require(
            trace.admit(.fanout(1, 1, to: [11])).resolutions.first?.laters.first)
        #expect(create.chain == ChainKey(host: 1, order: OrderingTests.object))
        _ = resume(&trace)
        let update = trace.admit(.fanout(2, 2, to: [11]))
        #expect(update.sends.isEmpty)
        #expect(update.resolutions.first?.laters.map(\.due) == [create.due])

        trace.live(.seconds(31))
        let back = trace.admit(.pointers(3, create.pointer, pointer(2, 11))).sends
        #expect(back.map(\.activity) == [1])
        #expect(trace.end(try #require(back.first), .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `the pause comes between two: the second is put off when the first has ended`()
        throws
    {
        var trace = trace()
        let create = try #require(trace.admit(.fanout(1, 1, to: [11])).sends.first)
        trace.admit(.fanout(2, 2, to: [11]))
        #expect(pause(.bulk, in: &trace).resolutions.isEmpty, "it waits for its turn")
        let ended = trace.end(create, .status(200))
        #expect(ended.sends.isEmpty)
        #expect(ended.resolutions.flatMap(\.laters).map(\.pointer) == [pointer(2, 11)])
    }

    @Test func `a first one that fails in the pause goes to later, and its successor after it`()
        throws
    {
        var trace = trace()
        let create = try #require(trace.admit(.fanout(1, 1, to: [11])).sends.first)
        trace.admit(.fanout(2, 2, to: [11]))
        pause(.bulk, in: &trace)
        let followed = try #require(trace.end(create, .status(403)).resolutions.first?.laters.first)
        let failed = try #require(trace.commit().resolutions.first?.laters.first)
        #expect(followed.pointer == pointer(2, 11) && followed.due == failed.due)
    }

    @Test func `behind a backlog it stays behind, and is put off when it comes back`() throws {
        var trace = try HeldQueueTests.suspended()
        trace.activities[8] = PreparedFacts.Activity(
            lane: .bulk, stored: trace.wall, expires: nil, size: 1)
        pause(.bulk, in: &trace)
        let fresh = trace.admit(.fanout(2, 8, to: [11]))
        #expect(fresh.resolutions.flatMap(\.holds).map(\.atHead) == [false])
        trace.resolve(fresh)
        trace.live(.seconds(91))
        trace.feed(.released(0, 1, 3, remaining: 0))
        let back = trace.admit(.pointers(3, pointer(7, 11), pointer(8, 11)))
        #expect(back.sends.map(\.activity) == [7])
        trace.end(try #require(back.sends.first), .status(200))
        let laters = try trace.commit().resolutions.flatMap(\.laters)
        #expect(laters.map(\.pointer) == [pointer(8, 11)])
    }

    @Test func `a Delete of a paused sender is put off, and what it deletes is not sent after all`()
        throws
    {
        var trace = trace()
        pause(sender: Self.sender, in: &trace)
        let create = trace.admit(.fanout(1, 1, to: [11])).resolutions.flatMap(\.laters)
        let delete = trace.admit(.fanout(2, 3, to: [11])).resolutions.flatMap(\.laters)
        #expect((create + delete).map(\.pointer) == [pointer(1, 11), pointer(3, 11)])
        _ = resume(&trace)
        trace.live(.seconds(31))
        let back = trace.admit(.pointers(3, pointer(1, 11), pointer(3, 11)))
        #expect(back.sends.map(\.activity) == [3])
        let outcomes = (back + trace.live(.seconds(1))).flushes.flatMap(\.batch.outcomes)
        #expect(outcomes.map(\.state) == [.superseded])
    }

    // MARK: Senders

    @Test func `of a paused sender nothing goes in any lane, of others everything`() throws {
        var trace = trace { $0.hostWindow = 1 }
        let sent = try #require(trace.admit(.fanout(1, 5, to: [11])).sends.first)
        trace.admit(.fanout(2, 4, to: [12]))
        let paused = pause(sender: Self.sender, in: &trace)
        #expect(paused.resolutions.flatMap(\.laters).map(\.pointer) == [pointer(4, 12)])
        #expect(trace.end(sent, .status(202)).sends.isEmpty)
        #expect(trace.admit(.fanout(3, 6, to: [21])).sends.map(\.activity) == [6])
        #expect(!paused.contains("interruptIntakeRead"), "its activities are stored")
    }

    @Test func `expiry runs on: what comes back too late is not sent`() throws {
        var trace = trace()
        trace.activities[5]?.expires = trace.wall + .seconds(20)
        pause(.bulk, in: &trace)
        trace.admit(.fanout(1, 5, to: [11]))
        trace.live(.seconds(31))
        let back = trace.admit(.pointers(2, pointer(5, 11))) + trace.live(.seconds(1))
        #expect(back.flushes.flatMap(\.batch.outcomes).map(\.state) == [.expired])
    }
}
