import Testing

@testable import DeliveryCore
@testable import WorkerRuntime

/// Turns are short as long as somebody may wait for the next one.
@Suite struct SigningTurnTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    @Test func `turns are long, but for a while after something has arrived`() {
        var turn = SigningTurn()
        #expect(turn.take(from: 99, at: start, batch: nil) == SigningTurn.long)
        turn.arrived(at: start)
        #expect(turn.take(from: 99, at: start, batch: nil) == 4)
        #expect(turn.take(from: 3, at: start, batch: nil) == 3)
        #expect(turn.take(from: 99, at: start, batch: 8) == 8)
        turn.arrived(at: start + .milliseconds(40))
        #expect(turn.take(from: 99, at: start + .milliseconds(60), batch: nil) == 4)
        #expect(turn.take(from: 99, at: start + .milliseconds(90), batch: 8) == SigningTurn.long)
    }

    @Test func `what does not fill a batch waits for more while batches fill, but not for long`() {
        var turn = SigningTurn()
        // None was filled yet: nothing says that more will come.
        #expect(turn.take(from: 13, at: start, batch: 8) == 13)
        turn.filled(at: start)
        #expect(turn.take(from: 13, at: start, batch: 8) == 8)
        #expect(turn.deadline == start + SigningTurn.patience)

        #expect(turn.take(from: 6, at: start + .milliseconds(3), batch: 8) == 0)
        #expect(turn.deadline == start + SigningTurn.patience)
        #expect(turn.take(from: 7, at: start + .milliseconds(4), batch: 8) == 7)
        #expect(turn.deadline == nil)

        // What comes later waits as long, from when it came.
        let later = start + .milliseconds(50)
        #expect(turn.take(from: 1, at: later, batch: 8) == 0)
        #expect(turn.deadline == later + SigningTurn.patience)
        #expect(turn.take(from: 8, at: later + .milliseconds(1), batch: 8) == 8)
        #expect(turn.deadline == nil)
        #expect(turn.take(from: 20, at: later, batch: 8) == SigningTurn.long)
        #expect(turn.deadline == later + SigningTurn.patience)

        #expect(turn.take(from: 1, at: start + SigningTurn.expectation, batch: 8) == 1)
        #expect(turn.deadline == nil)
    }

    @Test func `nothing is left over when somebody may wait for it, or libcrypto signs`() {
        var turn = SigningTurn()
        turn.filled(at: start)
        #expect(turn.take(from: 3, at: start, batch: 8) == 0)
        turn.arrived(at: start)
        #expect(turn.take(from: 3, at: start, batch: 8) == 3)
        #expect(turn.deadline == nil)

        let later = start + SigningTurn.journey
        #expect(turn.take(from: 3, at: later, batch: 8) == 0)
        // crypto_mb has lost our trust meanwhile.
        #expect(turn.take(from: 3, at: later, batch: nil) == 3)
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
