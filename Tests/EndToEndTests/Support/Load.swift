import RedisQueue
import FaultHarness
import Testing

/// Notes to many inboxes, enough to be under way for some seconds, and what became of them.
struct Load {
    let expected: Set<Pair>
    private let pool: Pool
    private let sink: SinkProcess

    init(
        on pool: Pool, _ sink: SinkProcess, name: String, activities: Int = 90, inboxes: Int = 40
    ) throws {
        self.pool = pool
        self.sink = sink
        let sender = try Sender(of: pool, known: sink)
        try sink.follow(#"{"host": "*", "delay": [20, 80]}"#)
        let inboxes = (0..<inboxes).map { sink.inbox("\(name)\($0)") }
        var expected: Set<Pair> = []
        for index in 0..<activities {
            let note = Note("\(name)-\(index)")
            try pool.enqueue(note.entry(to: inboxes, key: sender.keyID))
            expected.formUnion(note.pairs(inboxes))
        }
        self.expected = expected
    }

    /// Waits until one part of so many has been accepted.
    func awaitAccepted(part: Int) throws {
        try Poll.until("1/\(part) is accepted", within: .seconds(120)) {
            try sink.report().accepted >= expected.count / part
        }
    }

    /// Everything has arrived and is on record, at most so many twice, and Redis is empty.
    func awaitAllRecorded(duplicates bound: Int) throws {
        try Poll.until("all are delivered", within: .seconds(120)) {
            try pool.states(of: expected) == ["delivered": expected.count]
        }
        let tally = try Tally.of(expected, at: sink)
        #expect(tally.losses.isEmpty)
        #expect(tally.duplicates <= bound)
        print("duplicates: \(tally.duplicates) of \(expected.count)")
        try Poll.until("intake and logs are empty", within: .seconds(20)) {
            try pool.openEntries() == 0
        }
    }
}
