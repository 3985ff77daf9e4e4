import DeliveryCore
import Testing

/// Where two rules meet: pauses, circuits, chains, and what is taken back.
@Suite struct CrossingTests {
    @Test func `what follows one into the held queue is no probe before it`() throws {
        var trace = OrderingTests.trace()
        let sends = trace.admit(.fanout(1, 1, to: [11, 21])).sends
        #expect(trace.admit(.pointers(2, pointer(2, 11))).sends.isEmpty)
        trace.end(sends[0], .failed(.nameNotFound, detail: "no such host"))
        trace.live(.milliseconds(100))
        try trace.commit()
        // The probe is due, but what is held waits for its entry.
        trace.live(.seconds(50))
        trace.end(sends[1], .status(202))
        trace.live(.milliseconds(100))
        let ended = try trace.commit()
        #expect(ended.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(1, 11)]])
        let after = trace.resolve(ended)
        #expect(after.sends.isEmpty, "its predecessor stands in the held queue")
        #expect(after.resolutions.flatMap(\.holds).map(\.atHead) == [false])
    }
}
