import DeliveryCore
import Testing

/// What operators pause, block and limit, and hints that a host was seen alive.
@Suite struct ControlTests {
    static func controls(_ control: HostControl, host: String? = "h1.example") -> Controls {
        var controls = Controls()
        controls.add(control, to: host)
        return controls
    }

    /// Host 1 is busy with one delivery, and one more waits for it.
    private func busy() throws -> (Trace, Transmission) {
        var trace = Trace.owning { $0.hostWindow = 1 }
        trace.read()
        let sends = trace.admit(.fanout(1, 7, to: [11, 12])).sends
        #expect(sends.count == 1)
        return (trace, try #require(sends.first))
    }

    @Test func `a paused host gets nothing, what is in flight ends, what waits is held`() throws {
        var (trace, sent) = try busy()
        trace.feed(.controlsChanged(Self.controls(HostControl(isPaused: true))))
        #expect(trace.end(sent, .status(202)).sends.isEmpty)
        trace.resolve(try trace.commit())
        #expect(trace.history.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(7, 12)]])
        let fresh = trace.admit(.fanout(2, 8, to: [11, 21]))
        #expect(fresh.sends.map(\.host) == ["h2.example"], "the others are not concerned")
        #expect(!trace.live(.seconds(120)).contains("release"))

        let resumed = trace.feed(.controlsChanged(Controls()))
        #expect((resumed + trace.live(.milliseconds(300))).releases.map(\.host) == [1])
        trace.feed(.released(0, 1, 3, remaining: 0))
        #expect(trace.admit(.pointers(3, pointer(7, 12))).sends.map(\.activity) == [7])
    }

    @Test func `a paused host is not probed`() throws {
        var trace = try CircuitTraceTests.open()
        trace.feed(.controlsChanged(Self.controls(HostControl(isPaused: true))))
        #expect(!trace.live(.seconds(120)).contains("release"))
        trace.feed(.controlsChanged(Controls()))
        #expect(trace.live(.seconds(6)).releases.map(\.count) == [1])
    }

    @Test func `a control for all hosts counts for each, also for one that is new`() throws {
        var trace = Trace.owning()
        trace.feed(.controlsChanged(Self.controls(HostControl(isPaused: true), host: nil)))
        trace.read()
        #expect(trace.admit(.fanout(1, 7, to: [11, 21])).sends.isEmpty)
        #expect(trace.history.resolutions.flatMap(\.holds).map(\.host).sorted() == [1, 2])
    }

    @Test func `what is for a blocked host is dropped: queued, held, and fresh`() throws {
        var (trace, sent) = try busy()
        trace.feed(.controlsChanged(Self.controls(HostControl(isBlocked: true))))
        #expect(trace.end(sent, .status(202)).sends.isEmpty)
        trace.resolve(try trace.commit())
        // Held like before a pause, and asked for in one go.
        #expect(trace.live(.seconds(6)).releases.map(\.host) == [1])
        trace.feed(.released(0, 1, 2, remaining: 0))
        let back = trace.admit(.pointers(2, pointer(7, 12)))
        let fresh = trace.admit(.fanout(3, 8, to: [11]))
        #expect((back + fresh).sends.isEmpty)
        trace.live(.milliseconds(200))
        try trace.commit()
        trace.live(.milliseconds(200))
        let ends = trace.history.flushes.flatMap(\.batch.outcomes)
        #expect(ends.filter { $0.state == .dropped }.map(\.activity) == [7, 8])
    }

    @Test func `a block ends the wait of a pause`() throws {
        var (trace, sent) = try busy()
        trace.feed(.controlsChanged(Self.controls(HostControl(isPaused: true))))
        trace.end(sent, .status(202))
        trace.resolve(try trace.commit())
        let both = HostControl(isPaused: true, isBlocked: true)
        let blocked = trace.feed(.controlsChanged(Self.controls(both)))
        #expect((blocked + trace.live(.milliseconds(300))).releases.map(\.host) == [1])
    }

    @Test func `a limited host gets one request in its interval, the others are not slowed`() throws
    {
        var trace = Trace.owning()
        let limit = HostControl(interval: .seconds(2))
        trace.feed(.controlsChanged(Self.controls(limit)))
        trace.read()
        let sends = trace.admit(.fanout(1, 7, to: [11, 12, 13, 21, 22])).sends
        #expect(sends.map(\.host) == ["h1.example", "h2.example", "h2.example"])
        #expect(trace.live(.milliseconds(1_900)).sends.isEmpty)
        #expect(trace.live(.milliseconds(200)).sends.map(\.host) == ["h1.example"])
        #expect(trace.feed(.controlsChanged(Controls())).sends.map(\.host) == ["h1.example"])
    }

    @Test func `a host seen alive is probed at once`() throws {
        var trace = try CircuitTraceTests.open()
        #expect(!trace.live(.seconds(5)).contains("release"))
        trace.feed(.hostsSeenAlive(["h2.example"]))
        #expect(!trace.live(.seconds(1)).contains("release"), "another host says nothing about it")
        let hinted = trace.feed(.hostsSeenAlive(["h1.example"]))
        #expect((hinted + trace.live(.milliseconds(300))).releases.map(\.count) == [1])
    }

    @Test func `of two controls for one host both count, the slower limit wins`() {
        var controls = Controls()
        controls.add(HostControl(interval: .seconds(1)), to: nil)
        controls.add(HostControl(isPaused: true), to: "h1.example")
        controls.add(HostControl(interval: .seconds(3)), to: "h1.example")
        #expect(
            controls[host: "h1.example"] == HostControl(isPaused: true, interval: .seconds(3)))
        #expect(controls[host: "h2.example"] == HostControl(interval: .seconds(1)))
    }
}
