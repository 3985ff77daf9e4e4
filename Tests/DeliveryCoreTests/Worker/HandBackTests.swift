import DeliveryCore
import Testing

/// Giving partitions to others: one when a worker joins, all of them to end.
@Suite struct HandBackTests {
    /// Of two partitions the one that goes to `other` when it joins.
    static let leaving: PartitionNumber = {
        Assignment.partitions(of: other, among: [me, other], count: 2).first ?? 0
    }()

    /// Both partitions owned; the leaving one has a delivery in flight, one queued behind it.
    static func busy() throws -> (Trace, Transmission) {
        var trace = Trace.owning {
            $0.partitionCount = 2
            $0.hostWindow = 1
        }
        let sends = trace.admit(.fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]), from: leaving)
            .sends
        #expect(sends.count == 1)
        return (trace, try #require(sends.first))
    }

    @Test func `an idle partition is handed back at once`() {
        var trace = Trace.owning { $0.partitionCount = 2 }
        let actions = trace.feed(.membershipSeen(alive: [me, other]))
        #expect(actions.steps == ["interruptLogRead", "releaseLeases"])
        #expect(actions.releasedLeases.map(\.partition) == [Self.leaving])
        #expect(trace.feed(.leasesReleased([Self.leaving])).steps == [])
        #expect(trace.gauges.owned == 1)
    }

    @Test func `what is in flight ends and is resolved, then the lease goes`() throws {
        var (trace, transmission) = try Self.busy()
        let joined = trace.feed(.membershipSeen(alive: [me, other]))
        #expect(joined.steps == ["interruptLogRead", "forget"])
        #expect(trace.gauges.open == 1)

        let ended = trace.end(transmission, .status(200))
        #expect(ended.steps == ["flush"], "the queued one must not be sent")
        let committed = try trace.commit()
        #expect(committed.steps == ["forget", "resolve"], "not released before it is resolved")
        #expect(committed.resolutions.map(\.entry) == [1])
        #expect(trace.resolve(committed).steps == ["releaseLeases"])
        #expect(trace.feed(.leasesReleased([Self.leaving])).steps == [])
        #expect(!trace.live(.seconds(2)).contains("releaseLeases"))
    }

    @Test func `a retry is put in later before the lease goes`() throws {
        var (trace, transmission) = try Self.busy()
        trace.feed(.membershipSeen(alive: [me, other]))
        trace.end(transmission, .status(500))
        let committed = try trace.commit()
        #expect(
            committed.resolutions.map { $0.laters.map(\.pointer) } == [
                [pointer(7, 11, attempts: 1)]
            ])
        #expect(trace.resolve(committed).steps == ["releaseLeases"])
    }

    @Test func `a partition on its way out probes no host, and takes no share of the probes`()
        throws
    {
        var trace = Trace {
            $0.partitionCount = 2
            $0.slots = 100
            $0.probePercent = 1
        }
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        let staying = PartitionNumber(rawValue: 1 - Self.leaving.rawValue)
        for (partition, host) in [(Self.leaving, 1), (staying, 2)] as [(PartitionNumber, HostID)] {
            let record = HostCondition(
                failingSince: trace.wall + .seconds(-3_600),
                probeDue: trace.wall + .seconds(2), cause: "timed-out")
            trace.own(partition, held: [HeldHost(host: host, condition: record, held: 5)])
        }
        trace.feed(.logRead([]))
        #expect(trace.admit(.fanout(1, 7, to: [31]), from: Self.leaving).sends.count == 1)
        trace.feed(.membershipSeen(alive: [me, other]))
        #expect(trace.live(.seconds(3)).releases.map(\.host) == [2])
    }

    @Test func `nothing more is read of a partition on its way out`() throws {
        var (trace, _) = try Self.busy()
        trace.feed(.membershipSeen(alive: [me, other]))
        let late = trace.read(.fanout(9, 9, to: [11]), from: Self.leaving)
        #expect(!late.contains("prepare"))
        #expect(late.logReads.last?.cursors.map(\.partition).contains(Self.leaving) == false)
    }

    @Test func `the lease is renewed until it is given back`() throws {
        var (trace, _) = try Self.busy()
        trace.feed(.membershipSeen(alive: [me, other]))
        #expect(trace.live(.seconds(6)).renewedLeases.map(\.partition).contains(Self.leaving))
    }

    @Test func `a partition that is wanted again meanwhile is handed back and taken anew`() throws {
        var (trace, transmission) = try Self.busy()
        trace.feed(.membershipSeen(alive: [me, other]))
        #expect(trace.feed(.membershipSeen(alive: [me])).steps == [])
        trace.end(transmission, .status(200))
        let committed = try trace.commit()
        #expect(trace.resolve(committed).releasedLeases.map(\.partition) == [Self.leaving])
        trace.feed(.leasesReleased([Self.leaving]))
        #expect(trace.feed(.membershipSeen(alive: [me])).takenLeases == [Self.leaving])
        trace.own(Self.leaving, epoch: 2)
        #expect(trace.gauges.owned == 2)
        #expect(trace.admit(from: Self.leaving).contains("readLogs"))
        #expect(trace.admit(.fanout(2, 8, to: [11]), from: Self.leaving).sends.count == 1)
    }

    @Test func `a partition that was being taken is handed back when it has come`() {
        var trace = Trace { $0.partitionCount = 1 }
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.feed(.leaseTaken(0, true))
        trace.feed(.drainRequested)
        trace.feed(.epochTaken(0, 2))
        #expect(trace.feed(.leaseSealed(0, 2, true)).releasedLeases.map(\.epoch) == [2])
        #expect(trace.feed(.leasesReleased([0])).steps == ["finish"])
    }

    // MARK: Drain

    @Test func `an idle worker drains at once`() {
        var trace = Trace.owning()
        let actions = trace.feed(.drainRequested)
        #expect(
            actions.steps == [
                "interruptIntakeRead", "interruptLogRead", "interruptLogRead", "releaseLeases",
            ])
        #expect(trace.feed(.leasesReleased([0])).steps == ["finish"])
        #expect(trace.feed(.drainRequested).names == [])
        #expect(trace.live(.seconds(3)).names == [], "and then it is silent")
    }

    @Test func `a busy worker ends what is in hand, and finishes once, after everything`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        let drain = trace.feed(.drainRequested)
        #expect(drain.steps == ["interruptIntakeRead", "interruptLogRead", "interruptLogRead"])

        // What arrives now stays pending for others; what was begun is carried through.
        #expect(trace.feed(.intakeRead([.job(2)])).steps == [])
        #expect(trace.feed(.logRead([])).steps == [])
        #expect(
            trace.feed(.expanded(expansion.id, [.stored(8, routes: [(0, [11])])])).steps == [
                "route"
            ])
        #expect(trace.feed(.routed(expansion.id)).steps == ["finishIntake"])
        #expect(trace.feed(.intakeFinished(expansion.id)).steps == [])

        #expect(trace.end(sends[0], .status(200)).steps == ["flush"])
        let committed = try trace.commit()
        #expect(committed.steps == ["forget", "resolve"])
        #expect(trace.resolve(committed).steps == ["releaseLeases"])
        #expect(trace.feed(.leasesReleased([0])).steps == ["finish"])
        #expect(trace.live(.seconds(20)).names == [])
        #expect(trace.history.names.count { $0 == "finish" } == 1)
    }

    @Test func `an expansion that waits to be tried again does not hold up the end`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        trace.feed(.postgresDisconnected)
        trace.feed(.expansionFailed(expansion.id))
        trace.feed(.drainRequested)
        #expect(trace.feed(.leasesReleased([0])).steps == ["finish"])
    }

    @Test func `an expansion that fails while draining is left to others`() throws {
        var trace = Trace.owning()
        let expansion = try #require(trace.feed(.intakeRead([.job(1)])).expansions.first)
        trace.feed(.drainRequested)
        #expect(trace.feed(.leasesReleased([0])).steps == [])
        let failed = trace.feed(.expansionFailed(expansion.id))
        #expect(failed.steps == ["finish"])
        #expect(!trace.history.contains("finishIntake"))
    }

    @Test func `without Redis the worker ends when its leases have run out`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.feed(.redisDisconnected)
        trace.feed(.drainRequested)
        trace.end(sends[0], .status(200))
        try trace.commit()
        #expect(!trace.history.contains("finish"))
        #expect(trace.pass(.seconds(15)).steps == ["finish"])
    }

    @Test func `a draining worker takes no part in membership`() {
        var trace = Trace.owning { $0.partitionCount = 2 }
        trace.feed(.drainRequested)
        #expect(!trace.feed(.membershipSeen(alive: [me])).contains("takeLease"))
        trace.feed(.leasesReleased([0]))
        #expect(!trace.feed(.membershipSeen(alive: [me])).contains("takeLease"))
    }
}
