import DeliveryCore
import Testing

/// Redis is full: what makes room goes on, bulk waits for it.
@Suite struct FullTests {
    @Test func `bulk is not read while anything is open, and the rest is`() {
        var trace = Trace.owning()
        trace.admit(.fanout(1, 7, to: [11]))
        let full = trace.feed(.redisFilled(true))
        #expect(full.contains("interruptIntakeRead"))
        #expect(trace.feed(.intakeRead([])).intakeReads == [[.urgent, .normal]])
        let room = trace.feed(.redisFilled(false))
        #expect(room.contains("interruptIntakeRead"))
        #expect(trace.feed(.intakeRead([])).intakeReads == [Lane.intake])
    }

    @Test func `with nothing open it goes on, or nothing ever would`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.feed(.redisFilled(true))
        #expect(trace.feed(.intakeRead([])).intakeReads == [[.urgent, .normal]])
        let flush = try #require(trace.end(sends[0], .status(202)).flushes.first)
        #expect(trace.feed(.flushed(flush.id)).contains("interruptIntakeRead"))
        #expect(trace.feed(.intakeRead([])).intakeReads == [Lane.intake])
    }

    @Test func `what of bulk was read already is not expanded meanwhile`() {
        var trace = Trace.owning()
        trace.admit(.fanout(1, 7, to: [11]))
        trace.feed(.redisFilled(true))
        let arrived = trace.feed(.intakeRead([.job(1, lane: .bulk), .job(2, lane: .normal)]))
        #expect(arrived.expansions.map { $0.jobs.map(\.reference.lane) } == [[.normal]])
        let room = trace.feed(.redisFilled(false))
        #expect(room.expansions.map { $0.jobs.map(\.reference.lane) } == [[.bulk]])
    }
}
