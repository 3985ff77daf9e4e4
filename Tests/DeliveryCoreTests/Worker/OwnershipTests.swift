import DeliveryCore
import Testing

/// Membership, leases, epochs.
@Suite struct OwnershipTests {
    @Test func `a partition is taken in five steps and then read`() {
        var trace = Trace()
        #expect(trace.feed(.ticked).names == [])
        trace.feed(.postgresConnected)
        #expect(trace.feed(.redisConnected).names == ["heartbeat", "readIntake"])
        let seen = trace.feed(.membershipSeen(alive: [me]))
        #expect(seen.steps == ["takeLease"])
        #expect(trace.feed(.leaseTaken(0, true)).steps == ["takeEpoch"])
        #expect(trace.feed(.epochTaken(0, 9)).steps == ["sealLease"])
        #expect(trace.feed(.leaseSealed(0, 9, true)).steps == ["examine"])
        #expect(
            trace.feed(.examined(0, .whole(through: .zero))).steps == ["loadBacklog"])
        #expect(!trace.machine.isReady)
        let owned = trace.feed(.backlogLoaded(0, [], later: []))
        #expect(owned.steps == ["interruptLogRead", "releaseDue", "readLogs"])
        #expect(owned.logReads.first?.cursors.map(\.after) == [.zero])
        #expect(owned.logReads.first?.cursors.map(\.isCatchingUp) == [true])
        #expect(trace.machine.isReady)
        let next = trace.feed(.logRead([]))
        #expect(next.logReads.first?.cursors.map(\.isCatchingUp) == [false])
    }

    @Test func `a lease that somebody else has is asked for again with the next membership`() {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        #expect(trace.feed(.membershipSeen(alive: [me])).steps == [], "one question at a time")
        #expect(trace.feed(.leaseTaken(0, false)).steps == [])
        #expect(trace.pass(.milliseconds(900)).steps == [])
        #expect(trace.feed(.membershipSeen(alive: [me])).takenLeases == [0])
    }

    @Test func `a partition whose taking fails at any step is taken from the start`() {
        let steps: [Event] = [
            .leaseTaken(0, true), .epochTaken(0, 2), .leaseSealed(0, 2, true),
            .examined(0, .lost), .rebuilt(OwnedLease(partition: 0, epoch: 2), through: 7),
        ]
        for count in 0...steps.count {
            var trace = Trace()
            trace.connect()
            trace.feed(.membershipSeen(alive: [me]))
            for step in steps.prefix(count) { trace.feed(step) }
            // Once the lease is sealed it is given back: else it would be nobody's for 15 seconds.
            #expect(
                trace.feed(.ownershipFailed(0)).steps == (count < 3 ? [] : ["releaseLeases"]))
            if count >= 3 { trace.feed(.leasesReleased([0])) }
            #expect(trace.feed(.membershipSeen(alive: [me])).steps == ["takeLease"])
        }
    }

    @Test func `a lease that was lost before it was sealed is not used`() {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.feed(.leaseTaken(0, true))
        trace.feed(.epochTaken(0, 2))
        #expect(trace.feed(.leaseSealed(0, 2, false)).steps == [])
        #expect(trace.gauges.owned == 0)
        #expect(trace.feed(.membershipSeen(alive: [me])).steps == ["takeLease"])
    }

    @Test func `two workers take their halves, none takes the other's`() {
        var trace = Trace { $0.partitionCount = 8 }
        trace.connect()
        let taken = trace.feed(.membershipSeen(alive: [me, other])).takenLeases
        #expect(Set(taken) == Assignment.partitions(of: me, among: [me, other], count: 8))
        #expect(taken.count == 4)
    }

    @Test func `late answers about ownership are counted and change nothing`() {
        var trace = Trace.owning()
        let before = trace.machine.staleEvents
        for event in [
            Event.leaseTaken(0, false), .epochTaken(0, 7), .leaseSealed(0, 1, false),
            .backlogLoaded(0, [], later: []), .ownershipFailed(0), .leasesReleased([0]),
        ] {
            #expect(trace.feed(event).steps == [])
        }
        #expect(trace.machine.staleEvents == before + 6)
        #expect(trace.gauges.owned == 1)
    }

    // MARK: The lease runs out

    @Test func `a lease is renewed every five seconds`() {
        var trace = Trace.owning()
        let renewed = trace.live(.seconds(15)).filter { $0.name == "renewLeases" }
        #expect(renewed.count == 3)
        #expect(renewed.renewedLeases.allSatisfy { $0 == OwnedLease(partition: 0, epoch: 1) })
        #expect(trace.gauges.owned == 1)
    }

    @Test func `without a renewal the partition is lost at the deadline, to the moment`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.pass(.milliseconds(14_999))
        #expect(trace.gauges.owned == 1)
        let lost = trace.pass(.milliseconds(1))
        #expect(lost.notices.map(\.level) == [.warning])
        #expect(lost.steps == ["forget"])
        #expect(trace.gauges == DeliveryMachine(incarnation: me, seed: 1).gauges, "as if new")
        let before = trace.machine.staleEvents
        #expect(trace.end(sends[0], .status(200)).steps == [])
        #expect(trace.machine.staleEvents == before + 1)
    }

    @Test func `the deadline counts from when the renewal was sent`() {
        var trace = Trace.owning()
        let sent = trace.now + .seconds(5)
        let renewal = trace.pass(.seconds(5)).renewedLeases
        trace.pass(.seconds(9))
        trace.feed(.leasesRenewed(kept: renewal, lost: [], sent: sent))
        trace.pass(.milliseconds(5_999))
        #expect(trace.gauges.owned == 1)
        trace.pass(.milliseconds(1))
        #expect(trace.gauges.owned == 0)
    }

    @Test func `a renewal that did not hold this lease moves no deadline`() {
        var trace = Trace.owning()
        trace.pass(.seconds(5))
        trace.feed(.leasesRenewed(kept: [], lost: [], sent: trace.now))
        trace.pass(.seconds(10))
        #expect(trace.gauges.owned == 0)
    }

    @Test func `an old renewal does not shorten a newer lease`() {
        var trace = Trace.owning()
        let old = trace.now
        let lease = OwnedLease(partition: 0, epoch: 1)
        trace.pass(.seconds(10))
        trace.feed(.leasesRenewed(kept: [lease], lost: [], sent: trace.now))
        trace.feed(.leasesRenewed(kept: [lease], lost: [], sent: old))
        trace.pass(.seconds(14))
        #expect(trace.gauges.owned == 1)
    }

    @Test func `a worker that was frozen past its lease mutates nothing`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11, 12, 21])).sends
        trace.end(sends[0], .status(200))
        let frozen = trace.pass(.seconds(60))
        for name in ["flush", "resolve", "send", "readLogs", "release", "releaseLeases"] {
            #expect(!frozen.contains(name))
        }
        #expect(trace.gauges.unsettled == 0)
    }

    @Test func `an answer that wakes a frozen worker is dropped with its lease`() throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.jump(.seconds(60))
        let actions = trace.end(sends[0], .status(200))
        #expect(!actions.contains("flush") && !actions.contains("resolve"))
        #expect(trace.gauges.unsettled == 0)
    }

    @Test(arguments: [401, 421])
    func `a worker that wakes past its lease sends nothing once more`(status: Int) {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11])).sends
        trace.jump(.seconds(15))
        #expect(!trace.end(sends[0], .status(status)).contains("send"))
        #expect(trace.gauges.owned == 0 && trace.gauges.inFlight == 0)
    }

    @Test func `a renewal that waited for a frozen worker still counts`() {
        var trace = Trace.owning()
        let sent = trace.now + .seconds(5)
        let renewal = trace.pass(.seconds(5)).renewedLeases
        trace.jump(.seconds(14))
        trace.feed(.leasesRenewed(kept: renewal, lost: [], sent: sent))
        #expect(trace.gauges.owned == 1)
    }

    @Test(arguments: [true, false])
    func `a partition that has another owner is dropped without a word`(byRenewal: Bool) throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11, 21]), .fanout(2, 8, to: [11])).sends
        trace.end(sends[0], .status(200))
        let lease = OwnedLease(partition: 0, epoch: 1)
        let actions = trace.feed(
            byRenewal ? .leasesRenewed(kept: [], lost: [lease], sent: trace.now) : .fenced(lease))
        #expect(actions.steps.allSatisfy { $0 == "forget" })
        #expect(trace.gauges.open == 0 && trace.gauges.unsettled == 0)
        let later = trace.pass(.seconds(1))
        #expect(!later.contains("flush") && !later.contains("resolve"))
    }

    // MARK: Owned again

    @Test func `a read of the former ownership says nothing about the new one`() throws {
        var trace = Trace.owning()
        trace.admit(.fanout(5, 7, to: [11]))
        trace.feed(.fenced(OwnedLease(partition: 0, epoch: 1)))
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(0, epoch: 3)
        // The old read, from after entry 5, comes back with entry 6: 5 must not be passed over.
        #expect(!trace.read(.fanout(6, 8, to: [11])).contains("prepare"))
        #expect(trace.history.logReads.last?.cursors.map(\.after) == [.zero])
        let read = trace.read(.fanout(5, 7, to: [11]), .fanout(6, 8, to: [11]))
        #expect(read.preparations.first?.request.checks == [7: [11], 8: [11]])
    }

    @Test func `the end of the former ownership's log does not end the catching up`() throws {
        var trace = Trace.owning()
        trace.read()
        trace.feed(.fenced(OwnedLease(partition: 0, epoch: 1)))
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(0, epoch: 3)
        trace.read()
        let read = trace.read(.fanout(1, 7, to: [11]))
        #expect(read.preparations.first?.request.checks == [7: [11]])
    }
}
