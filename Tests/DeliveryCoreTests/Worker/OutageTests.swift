import DeliveryCore
import Testing

/// Redis or PostgreSQL away.
@Suite struct OutageTests {
    // MARK: PostgreSQL

    @Test func `without PostgreSQL nothing is taken, and what is in hand is sent`() throws {
        var trace = Trace.owning { $0.slots = 1 }
        let sends = trace.admit(.fanout(1, 7, to: [11, 21])).sends
        trace.feed(.postgresDisconnected)

        #expect(trace.feed(.intakeRead([.job(1)])).steps == [])
        #expect(trace.read().steps == [])
        #expect(trace.end(sends[0], .status(200)).sends.map(\.url) == [InboxID(21).url])
        let away = trace.live(.seconds(20))
        for name in [
            "flush", "resolve", "expand", "readIntake", "readLogs", "prepare", "recoverIntake",
        ] {
            #expect(!away.contains(name))
        }
        #expect(trace.gauges.unsettled == 1 && trace.gauges.owned == 1)

        let back = trace.feed(.postgresConnected)
        #expect(Set(back.steps).isSuperset(of: ["flush", "expand", "readIntake", "readLogs"]))
        #expect(!back.contains("resolve"))
    }

    @Test func `without PostgreSQL nothing is brought back from where it waits`() throws {
        var trace = try HeldQueueTests.suspended()
        trace.feed(.dueReleased(0, moved: 0, next: trace.wall + .seconds(1)))
        trace.feed(.postgresDisconnected)
        let away = trace.live(.seconds(120))
        #expect(!away.contains("release") && !away.contains("releaseDue"))
        let back = trace.feed(.postgresConnected) + trace.live(.seconds(1))
        #expect(back.contains("release") && back.contains("releaseDue"))
    }

    @Test func `a flush whose end nobody knows waits for PostgreSQL and goes again`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let flush = try #require(trace.end(sends[0], .status(200)).flushes.first)
        trace.feed(.postgresDisconnected)
        #expect(trace.feed(.flushFailed(flush.id)).steps == [])
        #expect(!trace.live(.seconds(5)).contains("flush"))
        let again = trace.feed(.postgresConnected)
        #expect(again.flushes.map(\.id) == [flush.id])
        #expect(try trace.commit().steps == ["forget", "resolve"])
    }

    @Test func `a preparation and an expansion wait for PostgreSQL`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        let preparation = try #require(trace.read(.fanout(1, 7, to: [11])).preparations.first)
        trace.feed(.postgresDisconnected)
        trace.feed(.expansionFailed(expansion.id))
        trace.feed(.preparationFailed(preparation.id))
        #expect(trace.live(.seconds(5)).steps == [])
        let back = trace.feed(.postgresConnected)
        #expect(back.expansions.map(\.id) == [expansion.id])
        #expect(back.preparations.map(\.id) == [preparation.id])
    }

    @Test func `what was committed leaves Redis although PostgreSQL went away`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.end(sends[0], .status(200))
        let resolve = try #require(trace.commit().resolves.first)
        trace.feed(.postgresDisconnected)
        trace.feed(.resolutionFailed(0, resolve.id))
        #expect(trace.live(.seconds(1)).resolves.map(\.id) == [resolve.id])
    }

    // MARK: Redis

    @Test func `without Redis resolutions wait and are made when it is back`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.feed(.redisDisconnected)
        trace.end(sends[0], .status(200))
        #expect(try trace.commit().steps == ["forget"])
        #expect(trace.pass(.seconds(1)).names == [])
        let back = trace.feed(.redisConnected)
        #expect(back.resolutions.map(\.entry) == [1])
        #expect(back.contains("heartbeat") && back.contains("renewLeases"))
        trace.resolve(back)
        #expect(!trace.live(.seconds(2)).contains("resolve"))
    }

    @Test func `without Redis nothing is read and no lease asked for`() {
        var trace = Trace.owning()
        trace.feed(.redisDisconnected)
        #expect(trace.feed(.intakeReadFailed).names == [])
        #expect(trace.feed(.logReadFailed).names == [])
        #expect(trace.pass(.seconds(10)).names == [])
        let back = trace.feed(.redisConnected)
        #expect(Set(back.steps) == ["examine", "readIntake"])
        #expect(trace.feed(.examined(0, .whole(through: .zero))).steps == ["readLogs"])
    }

    @Test func `Redis away longer than the leases: everything is dropped and taken anew`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.feed(.redisDisconnected)
        trace.end(sends[0], .status(200))
        try trace.commit()
        trace.pass(.seconds(15))
        #expect(trace.gauges.owned == 0)
        let back = trace.feed(.redisConnected)
        #expect(!back.contains("resolve") && !back.contains("readLogs"))
        #expect(trace.feed(.membershipSeen(alive: [me])).takenLeases == [0])
    }

    // MARK: The next deadline

    @Test func `a worker that waits for nothing wants to be woken within a second`() {
        var trace = Trace.owning()
        trace.feed(.ticked)
        #expect(trace.machine.nextDeadline > trace.now)
        #expect(trace.machine.nextDeadline <= trace.now + .seconds(1))
    }

    @Test(arguments: [
        [Event.redisDisconnected], [.postgresDisconnected],
        [.redisDisconnected, .postgresDisconnected],
    ])
    func `during an outage the next deadline lies ahead: the loop does not spin`(outage: [Event])
        throws
    {
        var trace = Trace.owning { $0.slots = 2 }
        let sends = trace.admit(.fanout(1, 7, to: [11, 21, 31])).sends
        for event in outage { trace.feed(event) }
        trace.end(sends[0], .status(200))
        for _ in 0..<100 {
            trace.pass(.milliseconds(100))
            #expect(trace.machine.nextDeadline > trace.now)
        }
    }
}
