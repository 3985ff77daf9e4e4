import Testing

@testable import DeliveryCore
@testable import WorkerRuntime

/// Turns are short as long as somebody may wait for the next one.
@Suite struct SigningTurnTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    @Test func `turns are long, but for a while after something has arrived`() {
        var turn = SigningTurn()
        #expect(turn.length(at: start, batch: nil) == SigningTurn.long)
        turn.arrived(at: start)
        #expect(turn.length(at: start, batch: nil) == 4)
        #expect(turn.length(at: start, batch: 8) == 8)
        turn.arrived(at: start + .milliseconds(40))
        #expect(turn.length(at: start + .milliseconds(60), batch: nil) == 4)
        #expect(turn.length(at: start + .milliseconds(90), batch: 8) == SigningTurn.long)
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
