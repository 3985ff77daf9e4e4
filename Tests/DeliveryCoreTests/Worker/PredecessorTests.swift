import DeliveryCore
import Testing

/// What concerns one object is expanded in the order of its lane, whoever reads it.
@Suite struct PredecessorTests {
    /// Asks, and is told of these predecessors, one list a question.
    private func ask(
        _ trace: inout Trace, _ entries: ArrivedEntry..., told answers: [Predecessors]
    ) throws -> [Action] {
        let question = try #require(trace.feed(.intakeRead(entries)).questions.first)
        return trace.feed(.predecessorsFound(question.id, answers))
    }

    /// The batch that was asked for last is stored, routed and acked.
    @discardableResult
    private func finish(_ trace: inout Trace) throws -> [Action] {
        let expansion = try #require(trace.history.expansions.last)
        trace.feed(.expanded(expansion.id, expansion.jobs.map { _ in .parked }))
        return trace.feed(.intakeFinished(expansion.id))
    }

    // MARK: Asking

    @Test func `what may follow is asked about before its batch is expanded`() throws {
        var trace = Trace.owning()
        let arrived = trace.feed(.intakeRead([.job(1), .following(2)]))
        #expect(arrived.steps == ["findPredecessors", "readIntake"])
        let question = try #require(arrived.questions.first)
        #expect(question.lane == .normal)
        #expect(question.questions == [PredecessorQuestion(entry: 2, needle: "o1")])

        let answered = trace.feed(.predecessorsFound(question.id, [.these([])]))
        #expect(answered.steps == ["expand"])
        #expect(answered.expansions.flatMap(\.jobs).map(\.reference.id) == [1, 2])
    }

    @Test func `what has a key of its own costs no question`() {
        var trace = Trace.owning()
        #expect(trace.feed(.intakeRead([.job(1), .job(2)])).steps == ["expand", "readIntake"])
    }

    @Test func `an unanswered question is asked again after a pause`() throws {
        var trace = Trace.owning()
        let question = try #require(trace.feed(.intakeRead([.following(1)])).questions.first)
        #expect(trace.feed(.predecessorsUnknown(question.id)).steps == [])
        #expect(trace.pass(.milliseconds(499)).steps == [])
        #expect(trace.pass(.milliseconds(1)).steps == ["findPredecessors"])
        #expect(trace.feed(.predecessorsFound(question.id, [.these([])])).steps == ["expand"])
    }

    @Test func `a late answer changes nothing`() throws {
        var trace = Trace.owning()
        let question = try #require(trace.feed(.intakeRead([.following(1)])).questions.first)
        trace.feed(.predecessorsFound(question.id, [.these([])]))
        let before = trace.machine.staleEvents
        #expect(trace.feed(.predecessorsFound(question.id, [.these([])])).steps == [])
        #expect(trace.machine.staleEvents == before + 1)
    }

    // MARK: Waiting

    @Test func `a predecessor in the same batch goes before it`() throws {
        var trace = Trace.owning()
        let actions = try ask(
            &trace, .job(1), .following(2), .following(3),
            told: [.these([1]), .these([1, 2])])
        #expect(actions.expansions.flatMap(\.jobs).map(\.reference.id) == [1, 2, 3])
    }

    @Test func `one in other hands is waited for, and the rest of the lane goes on`() throws {
        var trace = Trace.owning()
        let actions = try ask(
            &trace, .following(2), .job(3), .following(4), told: [.these([1]), .these([1, 2])])
        #expect(actions.expansions.flatMap(\.jobs).map(\.reference.id) == [3])
        try finish(&trace)
        #expect(trace.feed(.intakeRead([.job(5)])).steps == ["expand", "readIntake"])
        try finish(&trace)

        #expect(trace.pass(.milliseconds(19)).steps == [])
        let again = trace.pass(.milliseconds(1))
        #expect(again.steps == ["findPredecessors"])
        let question = try #require(again.questions.first)
        #expect(question.questions.map(\.entry) == [2, 4])
        let free = trace.feed(.predecessorsFound(question.id, [.these([]), .these([2])]))
        #expect(free.expansions.flatMap(\.jobs).map(\.reference.id) == [2, 4])
    }

    @Test func `it asks after 20 ms and then less and less often`() throws {
        var trace = Trace.owning()
        _ = try ask(&trace, .following(2), told: [.these([1])])
        for pause in [20, 40, 80, 160, 250, 250] {
            #expect(trace.machine.nextDeadline <= trace.now + .milliseconds(pause))
            #expect(!trace.pass(.milliseconds(pause - 1)).contains("findPredecessors"))
            let question = try #require(trace.pass(.milliseconds(1)).questions.first)
            #expect(trace.feed(.predecessorsFound(question.id, [.these([1])])).steps == [])
        }
    }

    @Test func `with too many before it it waits, too`() throws {
        var trace = Trace.owning()
        let actions = try ask(&trace, .job(1), .following(2), told: [.tooMany])
        #expect(actions.expansions.flatMap(\.jobs).map(\.reference.id) == [1])
    }

    @Test func `a predecessor that is claimed while it waits goes before it`() throws {
        var trace = Trace.owning { $0.expansionLimit = 2 }
        _ = try ask(&trace, .following(2), .following(3), told: [.these([1]), .these([1, 2])])
        trace.jump(.milliseconds(250))
        // A dead worker had it; those that wait do not fill the batch before it.
        let claimed = trace.feed(.intakeRecovered([.job(1)]))
        let question = try #require(claimed.questions.first)
        #expect(question.questions.map(\.entry) == [2])
        let free = trace.feed(.predecessorsFound(question.id, [.these([1])]))
        #expect(free.expansions.flatMap(\.jobs).map(\.reference.id) == [1, 2])
    }

    @Test func `large ones that wait leave the others their share of the recipients`() throws {
        var trace = Trace.owning { $0.expansionRecipientLimit = 4 }
        var large = ArrivedEntry.following(2)
        guard case .success(var job) = large.content else { return }
        job.audience = .recipients(
            Array(repeating: Recipient(inbox: "https://a.example/i"), count: 99))
        large.content = .success(job)
        _ = try ask(&trace, large, told: [.these([1])])
        trace.jump(.milliseconds(250))
        let claimed = trace.feed(.intakeRecovered([.job(1)]))
        let question = try #require(claimed.questions.first)
        let free = trace.feed(.predecessorsFound(question.id, [.these([1])]))
        #expect(free.expansions.flatMap(\.jobs).map(\.reference.id) == [1, 2])
    }

    @Test func `its deadline is not named while its lane is busy`() throws {
        var trace = Trace.owning()
        _ = try ask(&trace, .following(2), .job(3), told: [.these([1])])
        trace.jump(.milliseconds(50))
        #expect(trace.feed(.ticked).steps == [])
        #expect(trace.machine.nextDeadline > trace.now)
        #expect(try finish(&trace).steps == ["findPredecessors"])
    }

    // MARK: Limits

    @Test func `those that wait are in hand, and do not keep the worker from claiming`() throws {
        var trace = Trace.owning { $0.intakeLimit = 2 }
        let arrived = trace.feed(.intakeRead([.following(2), .following(3)]))
        let question = try #require(arrived.questions.first)
        let told: [Predecessors] = [.these([1]), .these([1, 2])]
        #expect(trace.feed(.predecessorsFound(question.id, told)).steps == [])
        #expect(trace.feed(.membershipSeen(alive: [me, other])).steps == [])
        #expect(trace.feed(.membershipSeen(alive: [me])).contains("recoverIntake"))
        // What has come twice is not taken twice.
        #expect(trace.feed(.intakeRecovered([.following(2)])).steps == [])
    }

    @Test func `of too many that wait the last one is let go`() throws {
        var trace = Trace.owning { $0.intakeLimit = 1 }
        _ = try ask(
            &trace, .following(2), .following(3), .following(4),
            told: [.these([1]), .these([1]), .these([1])])
        let question = try #require(trace.pass(.milliseconds(20)).questions.first)
        #expect(question.questions.map(\.entry) == [2, 3])
        trace.feed(.predecessorsFound(question.id, [.these([]), .these([])]))
        try finish(&trace)
        #expect(trace.feed(.intakeRecovered([.following(4)])).contains("findPredecessors"))
    }

    @Test func `a draining worker leaves what waits to others`() throws {
        var trace = Trace.owning()
        _ = try ask(&trace, .following(2), told: [.these([1])])
        let asking = trace.feed(.intakeRead([.following(3)]))
        #expect(asking.contains("findPredecessors"))
        trace.feed(.drainRequested)
        let question = try #require(asking.questions.first)
        #expect(trace.feed(.predecessorsFound(question.id, [.these([])])).steps == [])
        #expect(!trace.live(.milliseconds(300)).contains("findPredecessors"))
    }

    // MARK: The needle

    @Test(arguments: [
        ("https://our.example/users/alice/statuses/109876543210", "109876543210"),
        ("https://our.example/users/alice", "alice"),
        ("https://our.example/notes/7/", "7"),
        ("https://our.example/?a=1&p=12", "12"),
        ("https://our.example/notes/grün", "n"),
        ("tag:our.example,2026:7#x", "tag:our.example,2026:7#x"),
        ("日本", ""),
    ])
    func `of a key it is the end that every JSON writes alike`(key: String, needle: String) {
        var job = Job.create()
        job.orderingKey = key
        #expect(job.orderingNeedle == needle)
    }
}
