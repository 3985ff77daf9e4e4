import DeliveryCore
import Testing

/// From results to ended entries: commit first, then out of Redis.
@Suite struct SettlementTraceTests {
    /// Three deliveries of activity 7 in flight, to hosts 1, 2 and 3.
    static func inFlight(
        _ change: (inout WorkerConfiguration) -> Void = { _ in }
    ) -> (Trace, [Transmission]) {
        var trace = Trace.owning(change)
        let sends = trace.admit(.fanout(1, 7, to: [11, 21, 31])).sends
        return (trace, sends)
    }

    @Test func `results are flushed at the count`() {
        var (trace, sends) = Self.inFlight { $0.flushCount = 2 }
        #expect(trace.end(sends[0], .status(200)).steps == [])
        #expect(trace.end(sends[1], .status(200)).steps == ["flush"])
    }

    @Test func `results are flushed after the delay`() {
        var (trace, sends) = Self.inFlight()
        trace.end(sends[0], .status(200))
        #expect(trace.machine.nextDeadline <= trace.now + .milliseconds(100))
        #expect(trace.pass(.milliseconds(99)).steps == [])
        #expect(trace.pass(.milliseconds(1)).steps == ["flush"])
    }

    @Test func `results are flushed at once when nothing else is going on`() {
        var (trace, sends) = Self.inFlight()
        trace.end(sends[0], .status(200))
        trace.end(sends[1], .status(200))
        #expect(trace.end(sends[2], .status(200)).steps == ["flush"])
    }

    @Test func `one flush at a time: what comes meanwhile makes the next`() throws {
        var (trace, sends) = Self.inFlight { $0.flushCount = 1 }
        #expect(trace.end(sends[0], .status(200)).steps == ["flush"])
        #expect(trace.end(sends[1], .status(200)).steps == [])
        #expect(trace.end(sends[2], .status(200)).steps == [])
        #expect(trace.pass(.seconds(1)).steps == [])
        let next = try trace.commit()
        #expect(next.steps == ["flush"])
        #expect(next.flushes.first?.batch.outcomes.map(\.inboxes) == [[21, 31]])
        #expect(try trace.commit().steps == ["forget", "resolve"])
    }

    @Test func `a failed flush is repeated under its number; nothing is resolved before`() throws {
        var (trace, sends) = Self.inFlight { $0.flushCount = 2 }
        let flush = try #require(
            sends.prefix(2).flatMap { trace.end($0, .status(200)) }.flushes.first)
        #expect(trace.feed(.flushFailed(flush.id)).steps == [])
        #expect(trace.end(sends[2], .status(200)).steps == [])
        #expect(trace.pass(.milliseconds(499)).steps == [])
        let again = trace.pass(.milliseconds(1))
        #expect(again.steps == ["flush"])
        #expect(again.flushes.first?.id == flush.id)
        #expect(again.flushes.first?.batch == flush.batch)
        #expect(!trace.history.contains("resolve"))
        let next = try trace.commit()
        #expect(next.steps == ["flush"])
        #expect(try #require(next.flushes.first).id.rawValue > flush.id.rawValue)
        #expect(try trace.commit().steps == ["forget", "resolve"])
    }

    @Test func `a fenced flush drops the lost partition and goes again without it`() throws {
        var trace = Trace.owning { $0.partitionCount = 2 }
        let first = trace.admit(.fanout(1, 7, to: [11, 12])).sends
        let second = trace.admit(.fanout(1, 7, to: [21]), from: 1).sends
        trace.end(first[0], .status(200))
        trace.end(second[0], .status(200))
        let flush = try #require(trace.pass(.milliseconds(100)).flushes.first)
        #expect(flush.batch.fences.map(\.partition) == [0, 1])

        let lost = try #require(flush.batch.fences.first)
        let fenced = trace.feed(.flushFenced(flush.id, [lost]))
        #expect(fenced.notices.map(\.level) == [.warning])
        let again = try #require(fenced.flushes.first)
        // The commit of an earlier try may be on record.
        #expect(again.id == flush.id)
        #expect(again.batch.fences.map(\.partition) == [1])
        #expect(again.batch.outcomes.map(\.inboxes) == [[21]])

        // The other delivery of the lost partition ends somewhere, and means nothing here.
        let before = trace.machine.staleEvents
        #expect(trace.end(first[1], .status(200)).steps == [])
        #expect(trace.machine.staleEvents == before + 1)
        #expect(try trace.commit().resolves.map(\.lease.partition) == [1])
        #expect(trace.gauges.inFlight == 0 && trace.gauges.open == 0 && trace.gauges.owned == 1)
    }

    @Test func `news of an earlier ownership does not end the present one`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let flush = try #require(trace.end(sends[0], .status(200)).flushes.first)
        let old = try #require(flush.batch.fences.first)
        trace.feed(.fenced(old))
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(0, epoch: 2)
        #expect(trace.gauges.owned == 1)
        trace.feed(.flushFenced(flush.id, [old]))
        trace.feed(.fenced(old))
        trace.feed(.leasesRenewed(kept: [], lost: [old], sent: trace.now))
        #expect(trace.gauges.owned == 1)
    }

    @Test func `a failed resolution is repeated as it was, under the same lease`() throws {
        var (trace, sends) = Self.inFlight()
        for transmission in sends { trace.end(transmission, .status(200)) }
        let resolve = try #require(trace.commit().resolves.first)
        #expect(trace.feed(.resolutionFailed(0, resolve.id)).steps == [])
        #expect(trace.pass(.milliseconds(499)).steps == [])
        let again = try #require(trace.pass(.milliseconds(1)).resolves.first)
        #expect(again.id == resolve.id && again.lease == resolve.lease)
        #expect(again.resolutions == resolve.resolutions)
        #expect(trace.resolve(trace.history).isEmpty)
        #expect(trace.pass(.seconds(1)).steps == [])
    }

    @Test func `entries that end together leave in one script a partition`() throws {
        var trace = Trace.owning { $0.partitionCount = 2 }
        let sends =
            trace.admit(.fanout(1, 7, to: [11]), .fanout(2, 8, to: [11])).sends
            + trace.admit(.fanout(1, 7, to: [21]), from: 1).sends
        for transmission in sends { trace.end(transmission, .status(200)) }
        let resolves = try trace.commit().resolves
        #expect(resolves.map(\.lease.partition) == [0, 1])
        #expect(resolves.map { $0.resolutions.map(\.entry) } == [[1, 2], [1]])
    }
}
