import FaultHarness
import Testing

/// A sink, a pool with embedded servers, and a sender: what a test starts with.
///
/// Made once for all tests of a suite that carries the trait `.federation`, and taken down after
/// the last of them.
final class Federation: Sendable {
    let scratch: Scratch
    let sink: SinkProcess
    let pool: Pool
    let sender: Sender

    init(workers: Int = 2, flags: [String] = []) throws {
        scratch = try Scratch()
        sink = try SinkProcess(in: scratch)
        pool = try Pool(
            .embedded(directory: scratch.file("s")), delivering: sink, in: scratch,
            workers: workers, flags: flags)
        sender = try Sender(of: pool, known: sink)
    }

    @TaskLocal private static var running: Federation?

    /// Of the suite that the test belongs to.
    static var current: Federation { get throws { try #require(running) } }

    struct Trait: SuiteTrait, TestScoping {
        func provideScope(
            for test: Test, testCase: Test.Case?, performing function: () async throws -> Void
        ) async throws {
            let federation = try Federation()
            try await Federation.$running.withValue(federation, operation: function)
            federation.pool.expectCleanEnd()
        }
    }

    /// A federation for one test, which may drain the pool itself.
    static func run(
        workers: Int = 2, flags: [String] = [], _ test: (Federation) throws -> Void
    ) throws {
        let federation = try Federation(workers: workers, flags: flags)
        try test(federation)
        federation.pool.expectCleanEnd()
    }

    /// Enqueues notes with the given names to all inboxes; answers the deliveries they make.
    func send(_ names: [String], to inboxes: [String]) throws -> Set<Pair> {
        var expected: Set<Pair> = []
        for name in names {
            let note = Note(name)
            try pool.enqueue(note.entry(to: inboxes, key: sender.keyID))
            expected.formUnion(note.pairs(inboxes))
        }
        return expected
    }
}

extension Trait where Self == Federation.Trait {
    static var federation: Self { Self() }
}

/// All suites stand in this one: they share two cores, and take turns.
@Suite(.serialized) enum EndToEnd {
    /// What one worker may have sent without anybody having noted it: what it has in flight
    /// (`--slots`), and one unflushed batch.
    static let inHandOfWorker = 1_000 + 500

    /// Suites that leave the processes alone: a pool takes seconds to start, so they share one, and
    /// each looks at its own activities only.
    @Suite(.serialized, .federation) enum OnePool {}
}

/// What the sink has taken of the expected deliveries.
struct Tally {
    var missing: Set<Pair>
    var unexpected: Set<Pair>
    var duplicates: Int
    /// Accepted or not.
    var requests: Int

    private init(_ lines: [SinkProcess.Line], expected: Set<Pair>) {
        requests = lines.reduce(0) { $0 + $1.requests }
        let taken = lines.filter { $0.accepted > 0 }
        let pairs = Set(taken.map(\.pair))
        missing = expected.subtracting(pairs)
        unexpected = pairs.subtracting(expected)
        duplicates = taken.reduce(0) { $0 + $1.accepted - 1 }
    }

    /// Of one sink's lines only those of the expected activities.
    static func of(_ expected: Set<Pair>, at sink: SinkProcess) throws -> Tally {
        let activities = Set(expected.map(\.activity))
        let lines = try sink.pairs().filter { activities.contains($0.activity) }
        return Tally(lines, expected: expected)
    }

    /// Complaints, of which there should be none.
    var losses: [String] {
        missing.prefix(5).map { "missing of \(missing.count): \($0)" }
            + unexpected.prefix(5).map { "unexpected of \(unexpected.count): \($0)" }
    }
}
