import DeliveryCore
import Testing

/// Time-outs come later than answers: what they say of our own way out.
@Suite struct LateSilenceTests {
    @Test func `a short outage is not followed by a stall`() throws {
        var trace = Trace.owning { $0.slots = 100 }
        trace.read()
        let inboxes = (1...60).map { InboxID(rawValue: $0 * 10 + 1) }
        for transmission in trace.admit(.fanout(1, 7, to: inboxes)).sends {
            trace.end(transmission, .status(202))
        }
        trace.resolve(try trace.commit())
        trace.live(.seconds(1))
        // Twenty hang, forty fail at once.
        let sends = trace.admit(.fanout(2, 8, to: inboxes)).sends
        for transmission in sends.suffix(40) {
            trace.end(transmission, .failed(.nameUnavailable, detail: ""))
        }
        trace.live(.seconds(3))
        try #require(trace.gauges.isAway)
        let wide = (1...40).map { InboxID(rawValue: $0 * 10 + 2) }
        let canaries = trace.admit(.fanout(3, 9, to: wide)).sends + trace.live(.seconds(1)).sends
        let after = trace.end(try #require(canaries.first), .status(202)).sends
        #expect(!trace.gauges.isAway)
        #expect(after.count == 7, "nine, less the canaries that left at this very moment")
    }

    @Test func `hosts that died lately and time out together are not our outage`() throws {
        var trace = Trace.owning { $0.slots = 2_000 }
        trace.read()
        let first = (1...500).map { InboxID(rawValue: $0 * 10 + 1) }
        for transmission in trace.admit(.fanout(1, 7, to: first)).sends {
            trace.end(transmission, .status(202))
        }
        trace.resolve(try trace.commit())
        let rest = (501...1_000).map { InboxID(rawValue: $0 * 10 + 1) }
        for transmission in trace.admit(.fanout(2, 7, to: rest)).sends {
            trace.end(transmission, .status(202))
        }
        trace.resolve(try trace.commit())
        trace.live(.seconds(3_600))
        var sends = trace.admit(.fanout(3, 8, to: first)).sends
        sends += trace.admit(.fanout(4, 8, to: rest)).sends
        // 90 % answer at once, 10 % do not answer within ten seconds.
        for transmission in sends.prefix(900) { trace.end(transmission, .status(202)) }
        trace.resolve(try trace.commit())
        trace.live(.seconds(10))
        for transmission in sends.suffix(100) {
            trace.end(transmission, .failed(.connectTimedOut, detail: ""))
        }
        trace.live(.seconds(4))
        #expect(!trace.gauges.isAway)
    }
}
