import DeliveryCore
import Testing

/// What a host says is left of its rate limit: nothing is sent that it would have to refuse.
@Suite struct QuotaTests {
    private static func sent(_ count: Int32 = 1) -> (trace: Trace, sends: [Transmission]) {
        var trace = Trace.owning()
        trace.read()
        let sends = trace.admit(.fanout(1, 7, to: (1...count).map { InboxID(rawValue: 10 + $0) }))
        return (trace, sends.sends)
    }

    @Test func `with nothing left it gets nothing until the reset, though it took this one`() throws
    {
        var (trace, sends) = Self.sent()
        let quota = Quota(remaining: 0, reset: .seconds(90))
        let ended = trace.end(try #require(sends.first), .status(202), quota: quota)
        #expect(ended.flushes.flatMap(\.batch.outcomes).map(\.state) == [.delivered])
        let next = trace.admit(.fanout(2, 8, to: [11]), .fanout(3, 8, to: [21])).sends
        #expect(next.map(\.host) == ["h2.example"])
        trace.resolve(try trace.commit())
        trace.resolve(trace.history)
        #expect(trace.history.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(8, 11)]])
        #expect(!trace.live(.seconds(88)).contains("release"))
        #expect(trace.live(.seconds(6)).releases.map(\.host) == [1])
    }

    @Test func `with as much left as is under way it is not asked for more`() throws {
        var (trace, sends) = Self.sent(5)
        #expect(sends.count == 4)
        let two = Quota(remaining: 4, reset: .seconds(90))
        #expect(trace.end(sends[0], .status(202), quota: two).sends.count >= 1)
        let quota = Quota(remaining: 2, reset: .seconds(90))
        trace.end(sends[1], .status(202), quota: quota)
        #expect(trace.admit(.fanout(2, 8, to: [11])).sends.isEmpty)
    }

    @Test func `a refusal without Retry-After takes its pause from the reset`() throws {
        var (trace, sends) = Self.sent()
        let quota = Quota(remaining: 0, reset: .seconds(300))
        trace.end(try #require(sends.first), .status(429), quota: quota)
        trace.resolve(try trace.commit())
        #expect(!trace.live(.seconds(298)).contains("release"))
        #expect(trace.live(.seconds(8)).releases.map(\.host) == [1])
    }

    @Test func `Retry-After has the last word, and a refusal with something left names no pause`()
        throws
    {
        for (retryAfter, remaining) in [(Duration.seconds(3), 0), (nil, 5)] {
            var (trace, sends) = Self.sent()
            let quota = Quota(remaining: remaining, reset: .seconds(3_000))
            trace.end(try #require(sends.first), .status(429), retryAfter: retryAfter, quota: quota)
            trace.resolve(try trace.commit())
            #expect(trace.live(.seconds(10)).releases.map(\.host) == [1])
        }
    }

    @Test func `a reset in ten years is a pause of hours, and of this host alone`() throws {
        var (trace, sends) = Self.sent()
        let quota = Quota(remaining: 0, reset: .seconds(315_360_000))
        trace.end(try #require(sends.first), .status(202), quota: quota)
        #expect(trace.admit(.fanout(2, 8, to: [11, 21])).sends.map(\.host) == ["h2.example"])
        trace.resolve(try trace.commit())
        #expect(!trace.live(.seconds(120)).contains("release"))
        let until = try #require(
            trace.history.flushes.flatMap(\.batch.hosts).compactMap(\.condition.suspendedUntil)
                .max())
        #expect(until - trace.wall <= .seconds(6 * 3_600))
    }

    @Test func `a reset that has passed, or much left, is no reason to wait`() throws {
        for quota in [Quota(remaining: 0, reset: .zero), Quota(remaining: 90, reset: .seconds(90))]
        {
            var (trace, sends) = Self.sent()
            trace.end(try #require(sends.first), .status(202), quota: quota)
            #expect(trace.admit(.fanout(2, 8, to: [11])).sends.count == 1)
        }
    }

    @Test func `it is not knocked at once more when nothing is left`() throws {
        var (trace, sends) = Self.sent()
        let quota = Quota(remaining: 0, reset: .seconds(90))
        let ended = trace.end(try #require(sends.first), .status(401), quota: quota)
        #expect(ended.sends.isEmpty)
        try trace.commit()
        let holds = trace.history.resolutions.flatMap(\.holds)
        #expect(holds.map(\.pointers) == [[pointer(7, 11)]], "no attempt is used up")
    }
}
