import DeliveryCore
import Testing

/// What is owed and stands nowhere is given back to Redis; what is merely slow is not.
@Suite struct StocktakingTests {
    private let lease = OwnedLease(partition: 0, epoch: 1)

    /// An owner that has read its log to the end.
    private func settled() -> Trace {
        var trace = Trace.owning {
            $0.stocktakingInterval = .seconds(60)
            $0.stocktakingPause = .seconds(2)
            $0.stocktakingRecheck = .seconds(10)
        }
        trace.read()
        return trace
    }

    private func owed(_ activity: ActivityID, _ inboxes: InboxID...) -> Owed {
        Owed(
            activity: activity, lane: .normal, sender: .unknown, partition: 0, inboxes: inboxes,
            hosts: inboxes.map(\.host))
    }

    /// PostgreSQL is asked, and answers.
    private func page(
        _ trace: inout Trace, in time: Duration = .seconds(61), through: ActivityID? = 9,
        _ owed: Owed...
    ) throws -> [Action] {
        let asked = try #require(trace.live(time).owedQuestions.last)
        return trace.feed(.owedFound(asked.id, through: through, owed))
    }

    @Test func `what stands nowhere at two looks is given back, flagged`() throws {
        var trace = settled()
        let first = try #require(try page(&trace, owed(7, 11, 21)).sought.first)
        #expect(first.lease == lease)
        #expect(first.pointers == [pointer(7, 11), pointer(7, 21)])
        #expect(trace.feed(.sought(first.id, 0, nowhere: first.pointers)).steps == [])
        // Of the two one has been settled meanwhile, and one more has come.
        let second = try #require(
            try page(&trace, in: .seconds(11), owed(7, 21), owed(8, 31)).sought.first)
        let end = trace.feed(.sought(second.id, 0, nowhere: [pointer(7, 21), pointer(8, 31)]))
        #expect(end.restored.map(\.lease) == [lease])
        #expect(
            end.restored.map(\.fanouts) == [
                [Fanout(activity: 7, lane: .normal, again: true, inboxes: [21])]
            ])
        #expect(trace.machine.tally.recovered == 1)
        // And on with the next page.
        #expect(trace.live(.seconds(3)).owedQuestions.map(\.after) == [9])
    }

    /// PostgreSQL may refuse its result each time.
    @Test func `what was given back and is missed again is not sent a third time`() throws {
        var trace = settled()
        func giveBack(after time: Duration) throws -> [[Fanout]] {
            let first = try #require(try page(&trace, in: time, owed(7, 11)).sought.first)
            trace.feed(.sought(first.id, 0, nowhere: first.pointers))
            let second = try #require(
                try page(&trace, in: .seconds(11), owed(7, 11)).sought.first)
            return trace.feed(.sought(second.id, 0, nowhere: second.pointers)).restored
                .map(\.fanouts)
        }
        #expect(
            try giveBack(after: .seconds(61))
                == [[Fanout(activity: 7, lane: .normal, again: true, inboxes: [11])]])
        #expect(try giveBack(after: .seconds(3)) == [])
        #expect(trace.machine.tally.recovered == 1)
    }

    @Test func `what Redis knows of is not given back`() throws {
        var trace = settled()
        let seek = try #require(try page(&trace, owed(7, 11)).sought.first)
        #expect(trace.feed(.sought(seek.id, 0, nowhere: [])).restored.isEmpty)
        #expect(trace.live(.seconds(3)).owedQuestions.map(\.after) == [9])
    }

    @Test func `at the end it begins anew, after a rest`() throws {
        var trace = settled()
        _ = try page(&trace, owed(7, 11)).sought.first.map {
            trace.feed(.sought($0.id, 0, nowhere: []))
        }
        #expect(try page(&trace, in: .seconds(3), through: nil).steps == [])
        #expect(trace.live(.seconds(58)).owedQuestions.isEmpty)
        #expect(trace.live(.seconds(3)).owedQuestions.map(\.after) == [.zero])
    }

    @Test func `what this worker has open, or has read, is not sought`() throws {
        var trace = Trace.owning {
            $0.openLimit = 1; $0.stocktakingInterval = .seconds(10)
        }
        trace.read()
        trace.admit(.fanout(1, 7, to: [11]))
        // The table is full: these wait to be opened.
        trace.read(.fanout(2, 8, to: [21]), .pointers(3, pointer(6, 31)))
        let actions = try page(
            &trace, in: .seconds(11), owed(6, 31), owed(7, 11), owed(8, 21), owed(9, 41))
        #expect(actions.sought.map(\.pointers) == [[pointer(9, 41)]])
    }

    @Test func `for a host with a backlog nothing is sought`() throws {
        var trace = Trace { $0.stocktakingInterval = .seconds(10) }
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        let outage = HostCondition(
            failingSince: trace.wall + .seconds(-60), probeDue: trace.wall + .seconds(900),
            cause: "timeout")
        trace.own(0, held: [HeldHost(host: 1, condition: outage, held: 3)])
        trace.read()
        let actions = try page(&trace, in: .seconds(11), owed(7, 11, 21))
        #expect(actions.sought.map(\.pointers) == [[pointer(7, 21)]])
    }

    @Test func `while something is away, in doubt or catching up, nobody takes stock`() {
        var trace = Trace.owning { $0.stocktakingInterval = .seconds(10) }
        #expect(trace.live(.seconds(30)).owedQuestions.isEmpty, "the log's end was not seen")
        trace.read()
        trace.feed(.redisDisconnected)
        #expect(trace.pass(.seconds(1)).owedQuestions.isEmpty)
        trace.feed(.postgresDisconnected)
        trace.feed(.redisConnected)
        #expect(trace.pass(.seconds(1)).owedQuestions.isEmpty)
    }

    @Test func `late answers, and those of another question, are ignored`() throws {
        var trace = settled()
        let asked = try #require(trace.live(.seconds(61)).owedQuestions.last)
        trace.feed(.owedUnknown(asked.id))
        let before = trace.machine.staleEvents
        #expect(trace.feed(.owedFound(asked.id, through: 9, [owed(7, 11)])).steps == [])
        #expect(trace.feed(.sought(asked.id, 0, nowhere: [pointer(7, 11)])).steps == [])
        #expect(trace.machine.staleEvents == before + 2)
    }
}
