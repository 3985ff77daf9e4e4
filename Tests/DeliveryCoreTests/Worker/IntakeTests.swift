import DeliveryCore
import Testing

/// From the intake to the logs.
@Suite struct IntakeTests {
    @Test func `an entry is expanded, routed and only then acked`() throws {
        var trace = Trace.owning()

        let arrived = trace.feed(.intakeRead([.job(1)]))
        #expect(arrived.steps == ["expand", "readIntake"])
        let expansion = try #require(arrived.expansions.first)
        #expect(expansion.jobs.map(\.job.activityID) == ["https://a.example/1-0"])

        let expanded = trace.feed(.expanded(expansion.id, [.stored(7, routes: [(0, [11, 21])])]))
        #expect(expanded.steps == ["route"])
        let routing = try #require(expanded.routings.first)
        #expect(routing.entries.map(\.partition) == [0])
        #expect(
            routing.entries.map(\.fanout)
                == [Fanout(activity: 7, lane: .normal, again: false, inboxes: [11, 21])])

        let routed = trace.feed(.routed(routing.id))
        #expect(routed.steps == ["finishIntake"])
        #expect(routed.finishedIntake.map(\.id) == [1])

        #expect(trace.feed(.intakeFinished(routing.id)).steps == [])
    }

    @Test func `a malformed entry is set aside with its reason and holds up nobody`() throws {
        var trace = Trace.owning()
        let actions = trace.feed(.intakeRead([.malformed(1), .job(2), .malformed(3, lane: .bulk)]))
        #expect(actions.steps == ["rejectIntake", "expand", "readIntake"])
        #expect(actions.rejections.map(\.reference.id) == [1, 3])
        #expect(actions.rejections.map(\.reference.lane) == [.normal, .bulk])
        #expect(actions.rejections.map(\.rejection.code) == ["not-json", "not-json"])
        #expect(actions.expansions.flatMap(\.jobs).map(\.reference.id) == [2])
    }

    @Test func `an activity that PostgreSQL refuses is set aside, the rest goes on`() throws {
        var trace = Trace.owning()
        let expansion = try #require(
            trace.feed(.intakeRead([.job(1), .job(2), .job(3)])).expansions.first)
        let actions = trace.feed(
            .expanded(
                expansion.id,
                [
                    .refused(Rejection(code: "no-recipients", reason: "nobody")),
                    .stored(7, routes: [(0, [11])]), .parked,
                ]))
        #expect(actions.steps == ["rejectIntake", "route"])
        #expect(actions.rejections.map(\.reference.id) == [1])
        #expect(trace.feed(.routed(expansion.id)).finishedIntake.map(\.id) == [2, 3])
    }

    @Test func `a parked activity is acked without being routed`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        #expect(trace.feed(.expanded(expansion.id, [.parked])).steps == ["finishIntake"])
    }

    @Test func `a batch of which all is refused ends there`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        let refused = ExpansionResult.refused(Rejection(code: "no-recipients", reason: "nobody"))
        #expect(trace.feed(.expanded(expansion.id, [refused])).steps == ["rejectIntake"])
        // Redis lost the setting aside: it comes again, and is not taken for in hand.
        #expect(trace.feed(.intakeRecovered([.job(1)])).steps == ["expand"])
    }

    @Test func `an unparked activity is routed and then crossed off`() throws {
        var trace = Trace.owning()
        let stored = ExpansionResult.stored(7, routes: [(0, [11])], again: true)
        guard case .stored(let activity) = stored else { return }
        let actions = trace.feed(.unparked([activity]))
        #expect(actions.steps == ["route"])
        let routing = try #require(actions.routings.first)
        #expect(routing.entries.map(\.fanout.again) == [true])
        #expect(trace.feed(.routed(routing.id)).steps == ["finishUnparking"])
        #expect(trace.feed(.intakeFinished(routing.id)).steps == [])
    }

    // MARK: Failures

    @Test func `a failed expansion is made again after a pause, with the same jobs`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        #expect(trace.feed(.expansionFailed(expansion.id)).steps == [])
        #expect(trace.pass(.milliseconds(499)).steps == [])
        let again = trace.pass(.milliseconds(1))
        #expect(again.steps == ["expand"])
        #expect(again.expansions.first?.id == expansion.id)
        #expect(again.expansions.first?.jobs == expansion.jobs)
        #expect(trace.pass(.milliseconds(600)).steps == [])
    }

    @Test func `a failed routing is made again with the flag again, and nothing is acked`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        trace.feed(
            .expanded(expansion.id, [.stored(7, routes: [(0, [11])])]))
        #expect(trace.feed(.routingFailed(expansion.id)).steps == [])
        let again = trace.pass(.milliseconds(500))
        #expect(again.steps == ["route"])
        #expect(again.routings.first?.entries.map(\.fanout.again) == [true])
        #expect(trace.feed(.routed(expansion.id)).steps == ["finishIntake"])
    }

    @Test func `a failed ack is made again, nothing is routed twice`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        trace.feed(.expanded(expansion.id, [.stored(7, routes: [(0, [11])])]))
        trace.feed(.routed(expansion.id))
        #expect(trace.feed(.intakeFinishFailed(expansion.id)).steps == [])
        #expect(trace.pass(.milliseconds(500)).steps == ["finishIntake"])
    }

    @Test func `a failed read is repeated after a pause`() {
        var trace = Trace.owning()
        #expect(trace.feed(.intakeReadFailed).steps == [])
        #expect(trace.pass(.milliseconds(499)).steps == [])
        #expect(trace.pass(.milliseconds(1)).steps == ["readIntake"])
    }

    @Test func `answers to what is over are counted and change nothing`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        let before = trace.machine.staleEvents
        #expect(trace.feed(.routed(expansion.id)).steps == [])
        #expect(trace.feed(.intakeFinished(expansion.id)).steps == [])
        #expect(trace.feed(.expanded(ExpansionID(rawValue: 999), [])).steps == [])
        #expect(trace.machine.staleEvents == before + 3)
        #expect(trace.feed(.expanded(expansion.id, [.parked])).steps == ["finishIntake"])
    }

    // MARK: Somebody else may have had it

    @Test func `an expansion that took long is routed again: others may have claimed it`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        trace.jump(.seconds(10))
        let actions = trace.feed(.expanded(expansion.id, [.stored(7, routes: [(0, [11])])]))
        #expect(actions.routings.first?.entries.map(\.fanout.again) == [true])
    }

    @Test func `a read whose answer waited for a frozen worker is routed again`() throws {
        var trace = Trace.owning()
        trace.jump(.seconds(10))
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        let actions = trace.feed(.expanded(expansion.id, [.stored(7, routes: [(0, [11])])]))
        #expect(actions.routings.first?.entries.map(\.fanout.again) == [true])
    }

    @Test func `an entry that another worker had is routed again`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRecovered([.job(1)])).expansions.first)
        let actions = trace.feed(.expanded(expansion.id, [.stored(7, routes: [(0, [11])])]))
        #expect(actions.routings.first?.entries.map(\.fanout.again) == [true])
    }

    // MARK: Order and limits

    @Test func `an entry in hand that is recovered is not taken twice`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        #expect(trace.feed(.intakeRecovered([.job(1)])).steps == [])
        trace.feed(.expanded(expansion.id, [.parked]))
        #expect(trace.feed(.intakeRecovered([.job(1)])).steps == [])
        trace.feed(.intakeFinished(expansion.id))
        #expect(trace.feed(.intakeRecovered([.job(1)])).steps == ["expand"])
    }

    @Test func `lanes are expanded side by side, one batch each`() throws {
        var trace = Trace.owning()
        let bulk = trace.feed(.intakeRead([.job(1, lane: .bulk)]))
        #expect(bulk.expansions.flatMap(\.jobs).map(\.reference.lane) == [.bulk])
        let both = trace.feed(.intakeRead([.job(2, lane: .bulk), .job(3, lane: .urgent)]))
        #expect(both.expansions.flatMap(\.jobs).map(\.reference.id) == [3])
        let next = trace.feed(.expanded(try #require(bulk.expansions.first).id, [.parked]))
        #expect(next.steps == ["finishIntake"])
        let finished = trace.feed(.intakeFinished(try #require(bulk.expansions.first).id))
        #expect(finished.expansions.flatMap(\.jobs).map(\.reference.id) == [2])
    }

    @Test func `an expansion holds no more jobs than its limit, in their order`() throws {
        var trace = Trace.owning { $0.expansionLimit = 2 }
        let first = try #require(
            trace.feed(.intakeRead((1...5).map { .job(StreamID(integerLiteral: $0)) }))
                .expansions.first)
        #expect(first.jobs.map(\.reference.id) == [1, 2])
        trace.feed(.expanded(first.id, [.parked, .parked]))
        let second = try #require(trace.feed(.intakeFinished(first.id)).expansions.first)
        #expect(second.jobs.map(\.reference.id) == [3, 4])
    }

    private func job(_ id: StreamID, _ audience: AudienceReference, bytes: Int = 1) -> ArrivedEntry
    {
        var job = Job.create("\(id)")
        (job.audience, job.activity) = (audience, Array(repeating: 32, count: bytes))
        return ArrivedEntry(lane: .normal, id: id, content: .success(job))
    }

    private func list(_ count: Int) -> AudienceReference {
        .recipients((1...count).map { Recipient(inbox: "https://a\($0).example/inbox") })
    }

    /// The batches in which all is expanded, one after the other.
    private func batches(
        _ arrived: [ArrivedEntry], _ configure: (inout WorkerConfiguration) -> Void
    ) throws -> [[StreamID]] {
        var trace = Trace.owning(configure)
        var actions = trace.feed(.intakeRead(arrived))
        var batches: [[StreamID]] = []
        while let expansion = actions.expansions.first {
            batches.append(expansion.jobs.map(\.reference.id))
            trace.feed(.expanded(expansion.id, expansion.jobs.map { _ in .parked }))
            actions = trace.feed(.intakeFinished(expansion.id))
        }
        return batches
    }

    @Test func `what is for many is the last of its expansion, and the only one of its size`()
        throws
    {
        let batches = try batches([
            job(1, list(2)), job(2, list(100)), job(3, list(100)), job(4, list(1)), job(5, list(1)),
        ]) { $0.expansionRecipientLimit = 8 }
        #expect(batches == [[1, 2], [3], [4, 5]])
    }

    @Test func `of named audiences a few go together, and few behind them`() throws {
        let named = (1...5).map { job(StreamID(integerLiteral: UInt64($0)), .named("\($0)")) }
        let batches = try batches(named + [job(6, list(1))]) { $0.expansionRecipientLimit = 8 }
        #expect(batches == [[1, 2, 3, 4], [5, 6]])
    }

    @Test func `an expansion holds no more bytes than its limit and one activity`() throws {
        let batches = try batches([
            job(1, list(1), bytes: 90), job(2, list(1), bytes: 20), job(3, list(1), bytes: 500),
            job(4, list(1), bytes: 10),
        ]) { $0.expansionByteLimit = 100 }
        #expect(batches == [[1, 2], [3], [4]])
    }

    @Test func `with enough in hand no more intake is read`() throws {
        var trace = Trace.owning { $0.intakeLimit = 2 }
        let actions = trace.feed(.intakeRead([.job(1), .job(2)]))
        #expect(actions.steps == ["expand"])
        let id = try #require(actions.expansions.first).id
        trace.feed(.expanded(id, [.parked, .parked]))
        #expect(trace.feed(.intakeFinished(id)).steps == ["readIntake"])
    }

    @Test func `entries of absent workers are claimed at once when one goes, else now and then`() {
        var trace = Trace.owning()
        #expect(trace.feed(.membershipSeen(alive: [me, other])).contains("recoverIntake") == false)
        #expect(trace.feed(.membershipSeen(alive: [me])).contains("recoverIntake"))
        #expect(!trace.live(.milliseconds(4_900)).contains("recoverIntake"))
        #expect(trace.live(.milliseconds(200)).contains("recoverIntake"))
    }
}
