import DeliveryCore
import Testing

/// What Redis has lost is brought back before anything is read.
@Suite struct RebuildingTests {
    private let lease = OwnedLease(partition: 0, epoch: 2)

    /// Under its lease, and nothing examined yet.
    private func entering(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Trace {
        var trace = Trace(change)
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.feed(.leaseTaken(0, true))
        trace.feed(.epochTaken(0, 2))
        trace.feed(.leaseSealed(0, 2, true))
        return trace
    }

    @Test func `a lost partition is rebuilt as a whole, a rolled back one from its mark on`() {
        for (condition, after) in [
            (PartitionCondition.lost, nil), (.rolledBack(after: 41), ActivityID(rawValue: 41)),
        ] {
            var trace = entering()
            let actions = trace.feed(.examined(0, condition))
            #expect(actions.steps == ["rebuild"])
            #expect(actions.rebuilds.map(\.lease) == [lease])
            #expect(actions.rebuilds.map(\.after) == [after])
            #expect(trace.feed(.rebuilt(lease, through: 50)).steps == ["loadBacklog"])
        }
    }

    @Test func `while it is rebuilt nothing is read, and the lease is renewed`() {
        var trace = entering()
        trace.feed(.examined(0, .lost))
        let meanwhile = trace.live(.seconds(30))
        #expect(!meanwhile.contains("readLogs"))
        #expect(meanwhile.renewedLeases.count >= 5)
        #expect(!trace.machine.isReady)
        #expect(trace.feed(.rebuilt(lease, through: 50)).steps == ["loadBacklog"])
    }

    @Test func `a lease that is lost meanwhile ends it, and late news of it is ignored`() {
        var trace = entering()
        trace.feed(.examined(0, .lost))
        trace.feed(.fenced(lease))
        let before = trace.machine.staleEvents
        #expect(trace.feed(.rebuilt(lease, through: 50)).steps == [])
        #expect(trace.machine.staleEvents == before + 1)
        #expect(trace.feed(.membershipSeen(alive: [me])).steps == ["takeLease"])
    }

    @Test func `a fan-out of an activity that was rebuilt is looked up before it is sent`() {
        var trace = entering()
        trace.feed(.examined(0, .rolledBack(after: 5)))
        trace.feed(.rebuilt(lease, through: 50))
        trace.feed(.backlogLoaded(0, [], later: []))
        trace.feed(.dueReleased(0, moved: 0, next: nil))
        // The end of the log has been seen: what comes now is nobody's but ours.
        trace.read()
        let old = trace.read(.fanout(1, 50, to: [11])).preparations
        #expect(old.map(\.request.checks) == [[50: [11]]])
        let new = trace.read(.fanout(2, 51, to: [11])).preparations
        #expect(new.map(\.request.checks) == [[:]])
    }

    @Test func `what a former owner had rebuilt is looked up by the next one too`() {
        var trace = entering()
        trace.feed(.examined(0, .whole(through: 50)))
        trace.feed(.backlogLoaded(0, [], later: []))
        trace.feed(.dueReleased(0, moved: 0, next: nil))
        trace.read()
        let late = trace.read(.fanout(1, 50, to: [11])).preparations
        #expect(late.map(\.request.checks) == [[50: [11]]])
    }

    @Test(arguments: [400, 45] as [ActivityID])
    func `what is routed during a rebuild goes behind all that is rebuilt, however long the log is`(
        _ update: ActivityID
    ) throws {
        // Stored after the rebuild had looked, or before: it then stands in the log a second time.
        var trace = entering { $0.readCount = 300 }
        trace.feed(.examined(0, .lost))
        trace.feed(.rebuilt(lease, through: 50))
        trace.feed(.backlogLoaded(0, [], later: []))
        trace.feed(.dueReleased(0, moved: 0, next: nil))
        var log = [LogEntry.fanout(1, update, to: [11])]
        let wide = (1...Int32(LogEntry.inboxLimit)).map { InboxID(rawValue: $0 * 10 + 1_001) }
        for n in 2...299 as ClosedRange<UInt64> {
            log.append(.fanout(StreamID(integerLiteral: n), 4, to: wide, again: true))
        }
        log.append(.fanout(300, 44, to: [11], again: true))
        let first = trace.feed(.logRead([(PartitionNumber(rawValue: 0), log)])).preparations
            .flatMap(\.request.activities)
        #expect(first == [4, 44])
        let rest = trace.read().preparations.flatMap(\.request.activities)
        #expect(rest == [update])
    }

    @Test func `what waits for the end of what is rebuilt is limited, and stays in order`() {
        var trace = entering { $0.readCount = 8_000 }
        trace.feed(.examined(0, .lost))
        trace.feed(.rebuilt(lease, through: 50))
        trace.feed(.backlogLoaded(0, [], later: []))
        trace.feed(.dueReleased(0, moved: 0, next: nil))
        let log = (1...8_000 as ClosedRange<UInt64>).map {
            LogEntry.fanout(
                StreamID(integerLiteral: $0), ActivityID(rawValue: 399 + Int64($0)), to: [11])
        }
        let opened = trace.feed(.logRead([(PartitionNumber(rawValue: 0), log)])).preparations
            .flatMap(\.request.activities)
        #expect(opened.count > 200)
        #expect(opened == (400..<Int64(400 + opened.count)).map(ActivityID.init(rawValue:)))
    }

    // MARK: An owner that may have lost something

    @Test func `behind a new connection there may be another Redis`() {
        var trace = Trace.owning()
        trace.feed(.redisDisconnected)
        #expect(trace.feed(.redisConnected).examined == [0])
        // The same one, and all is there.
        #expect(trace.feed(.examined(0, .whole(through: .zero))).steps == [])
        #expect(trace.pass(.seconds(1)).examined == [])
        #expect(trace.gauges.owned == 1)
    }

    @Test func `what may be another Redis is not read before it was looked at`() {
        var trace = Trace.owning { $0.partitionCount = 2 }
        trace.feed(.redisDisconnected)
        trace.feed(.logReadFailed)
        trace.live(.seconds(1))
        let back = trace.feed(.redisConnected)
        #expect(back.examined == [0, 1])
        #expect(!back.contains("readLogs"))
        let first = trace.feed(.examined(0, .whole(through: .zero)))
        #expect(first.steps == ["readLogs"])
        // The read that waits knows nothing of the other.
        #expect(trace.feed(.examined(1, .whole(through: .zero))).steps == ["interruptLogRead"])
        #expect(trace.feed(.logRead([])).steps == ["readLogs"])
    }

    @Test func `what was read before a doubt came up is read again after it`() {
        var trace = Trace.owning()
        trace.read()
        // FLUSHALL, and what stands there now was routed after it: its predecessor may be lost.
        #expect(trace.feed(.partitionsDoubted).examined == [0])
        #expect(trace.read(.fanout(7, 2, to: [11])).preparations.isEmpty)
        #expect(trace.feed(.examined(0, .whole(through: .zero))).steps == ["readLogs"])
        #expect(trace.read(.fanout(7, 2, to: [11])).preparations.count == 1)
    }

    @Test func `an examination that fails, or is not answered, is repeated`() {
        var trace = Trace.owning()
        trace.feed(.redisDisconnected)
        trace.feed(.redisConnected)
        trace.feed(.ownershipFailed(0))
        #expect(trace.gauges.owned == 1)
        #expect(trace.live(.seconds(1)).examined == [0])
        #expect(trace.live(.seconds(16)).examined == [0])
    }

    @Test func `without PostgreSQL nothing is examined`() {
        var trace = Trace.owning()
        trace.feed(.postgresDisconnected)
        trace.feed(.redisDisconnected)
        #expect(trace.feed(.redisConnected).examined == [])
        #expect(trace.feed(.postgresConnected).examined == [0])
    }

    @Test(arguments: [PartitionCondition.lost, .rolledBack(after: 5)])
    func `the owner of what was lost ends what is in flight, hands it to itself, and rebuilds`(
        _ condition: PartitionCondition
    ) throws {
        var trace = Trace.owning()
        let sends = trace.admit(.fanout(1, 7, to: [11, 12])).sends
        trace.feed(.redisDisconnected)
        trace.feed(.redisConnected)
        #expect(trace.feed(.examined(0, condition)).releasedLeases == [])
        #expect(trace.gauges.inFlight == 2)
        trace.end(sends[0], .status(202))
        let flush = try #require(trace.end(sends[1], .status(202)).flushes.first)
        #expect(flush.batch.outcomes.map(\.inboxes) == [[11, 12]])
        let resolve = try #require(trace.feed(.flushed(flush.id)).resolves.first)
        let released = trace.feed(.resolved(0, resolve.id)).releasedLeases
        #expect(released == [OwnedLease(partition: 0, epoch: 1)])
        trace.feed(.leasesReleased([0]))
        #expect(trace.feed(.membershipSeen(alive: [me])).takenLeases == [0])
    }

    @Test func `a mark is moved on only while nothing is in doubt`() {
        var trace = entering()
        trace.feed(.examined(0, .rolledBack(after: 5)))
        #expect(trace.live(.seconds(6)).renewedWhole == [[]], "while it is rebuilt")
        trace.feed(.rebuilt(lease, through: 50))
        trace.feed(.backlogLoaded(0, [], later: []))
        #expect(trace.live(.seconds(5)).renewedWhole == [[0]])
        trace.feed(.postgresDisconnected)
        trace.feed(.redisDisconnected)
        #expect(trace.feed(.redisConnected).renewedWhole == [[]], "not examined yet")
        trace.feed(.postgresConnected)
        trace.feed(.examined(0, .whole(through: 5)))
        #expect(trace.live(.seconds(5)).renewedWhole == [[0]])
    }

    @Test func `what is being rebuilt when Redis may be another is begun anew`() {
        for event in [Event.redisConnected, .partitionsDoubted] {
            var trace = entering()
            trace.feed(.examined(0, .lost))
            #expect(trace.feed(event).releasedLeases == [lease])
            #expect(trace.feed(.rebuilt(lease, through: 50)).steps == [])
            trace.feed(.leasesReleased([0]))
            #expect(trace.feed(.membershipSeen(alive: [me])).takenLeases == [0])
        }
    }

    @Test func `of two answers the one that something is lost counts`() {
        var trace = Trace.owning()
        trace.feed(.partitionsDoubted)
        trace.feed(.examined(0, .whole(through: .zero)))
        #expect(
            trace.feed(.examined(0, .lost)).releasedLeases == [OwnedLease(partition: 0, epoch: 1)])
    }

    @Test func `whoever wants it has every partition looked at`() {
        var trace = Trace.owning { $0.partitionCount = 3 }
        #expect(trace.feed(.partitionsDoubted).examined == [0, 1, 2])
    }

    @Test func `a worker that drains gives back what it has not rebuilt`() {
        var trace = entering()
        trace.feed(.examined(0, .lost))
        #expect(trace.feed(.drainRequested).releasedLeases == [lease])
        #expect(trace.feed(.leasesReleased([0])).steps == ["finish"])
        #expect(trace.feed(.rebuilt(lease, through: 50)).steps == [])
    }
}
