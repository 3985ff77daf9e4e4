import Testing

@testable import DeliveryCore
@testable import WorkerRuntime

/// Turns are short as long as somebody may wait for the next one.
@Suite struct SigningTurnTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    @Test func `turns are long, but for a while after something has arrived`() {
        var turn = SigningTurn()
        #expect(turn.count(of: 99, at: start, batch: nil) == SigningTurn.long)
        turn.arrived(at: start)
        #expect(turn.count(of: 99, at: start, batch: nil) == 4)
        #expect(turn.count(of: 3, at: start, batch: nil) == 3)
        #expect(turn.count(of: 99, at: start, batch: 8) == 8)
        turn.arrived(at: start + .milliseconds(40))
        #expect(turn.count(of: 99, at: start + .milliseconds(60), batch: nil) == 4)
        #expect(turn.count(of: 99, at: start + .milliseconds(90), batch: 8) == SigningTurn.long)
    }

    @Test func `what does not fill a batch waits for more while batches fill, but not for long`() {
        var turn = SigningTurn()
        // None was filled yet: nothing says that more will come.
        #expect(turn.count(of: 5, at: start, batch: 8) == 5)
        #expect(turn.count(of: 13, at: start, batch: 8) == 8)
        #expect(turn.deadline == start + SigningTurn.patience)

        #expect(turn.count(of: 6, at: start + .milliseconds(3), batch: 8) == 0)
        #expect(turn.deadline == start + SigningTurn.patience)
        #expect(turn.count(of: 7, at: start + .milliseconds(4), batch: 8) == 7)
        #expect(turn.deadline == nil)

        // Who comes later waits as long, from when it came.
        let later = start + .milliseconds(50)
        #expect(turn.count(of: 1, at: later, batch: 8) == 0)
        #expect(turn.deadline == later + SigningTurn.patience)
        #expect(turn.count(of: 8, at: later + .milliseconds(1), batch: 8) == 8)
        #expect(turn.deadline == nil)

        #expect(turn.count(of: 1, at: later + SigningTurn.hope, batch: 8) == 0)
        #expect(turn.count(of: 1, at: later + .milliseconds(1) + SigningTurn.hope, batch: 8) == 1)
        #expect(turn.deadline == nil)
    }

    @Test func `nothing is left over when somebody may wait for it, or libcrypto signs`() {
        var turn = SigningTurn()
        #expect(turn.count(of: 11, at: start, batch: 8) == 8)
        turn.arrived(at: start)
        #expect(turn.count(of: 3, at: start, batch: 8) == 3)
        #expect(turn.deadline == nil)

        let later = start + SigningTurn.journey
        #expect(turn.count(of: 3, at: later, batch: 8) == 0)
        // crypto_mb has lost our trust meanwhile.
        #expect(turn.count(of: 3, at: later, batch: nil) == 3)
        #expect(turn.deadline == nil)
    }

    @Test func `what is for one inbox is awaited, a part of a fan-out is not, unless it is urgent`()
    {
        func entry(_ inboxes: Int32, _ lane: Lane) -> LogEntry {
            LogEntry(
                id: StreamID(milliseconds: 1, sequence: 0),
                content: .fanout(
                    Fanout(
                        activity: ActivityID(rawValue: 1), lane: lane,
                        again: false,
                        inboxes: (1...inboxes).map(InboxID.init(rawValue:)))))
        }
        #expect(entry(1, .normal).isAwaited && entry(40, .urgent).isAwaited)
        #expect(!entry(40, .normal).isAwaited && !entry(2, .bulk).isAwaited)
    }
}
