import DeliveryCore
import Testing

/// Order across owners: what the former one left in `later` and in the log.
@Suite struct InheritedOrderTests {
    static let object = OrderingTests.object

    /// Activities 1, 2, 3 revise one object; nothing is owned yet.
    private static func trace(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Trace {
        var trace = Trace(change)
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        for activity in [1, 2, 3] as [ActivityID] {
            trace.activities[activity] = PreparedFacts.Activity(
                lane: .normal, stored: trace.wall, expires: nil, size: 1, order: object,
                kind: .revision)
        }
        return trace
    }

    private func later(_ pointer: DeliveryPointer, in time: Duration, _ trace: Trace)
        -> Resolution.Later
    {
        let chain = ChainKey(host: pointer.inbox.host, order: Self.object)
        return Resolution.Later(pointer: pointer, due: trace.wall + time, chain: chain)
    }

    @Test func `what a former owner put off is waited for`() throws {
        var trace = Self.trace()
        let waiting = later(pointer(1, 11, attempts: 1), in: .seconds(300), trace)
        trace.own(0, later: [waiting])
        let fresh = trace.admit(.fanout(1, 2, to: [11, 21]))
        #expect(fresh.sends.map(\.host) == ["h2.example"], "another host knows nothing of it")
        // The entry ends with its other delivery.
        trace.end(try #require(fresh.sends.first), .status(200))
        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.laters.map(\.due) == [waiting.due])

        trace.live(.seconds(301))
        let back = trace.admit(.pointers(2, pointer(1, 11, attempts: 1), pointer(2, 11))).sends
        #expect(back.map(\.activity) == [1])
        #expect(trace.end(try #require(back.first), .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `one that is back before a successor is held goes ahead of it`() throws {
        var trace = Self.trace()
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 2)])
        let fresh = trace.admit(.fanout(1, 3, to: [11, 21])).sends
        #expect(fresh.map(\.host) == ["h2.example"], "it goes behind what is held")
        trace.feed(.released(0, 1, 2, remaining: 0))
        let back = trace.admit(.pointers(2, pointer(1, 11), pointer(2, 11))).sends
        #expect(back.map(\.activity) == [1])
        trace.end(try #require(back.first), .status(200))
        trace.end(try #require(fresh.first), .status(200))
        let parked = try trace.commit()
        #expect(parked.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(3, 11)]])
        #expect(trace.resolve(parked).sends.map(\.activity) == [2])
    }

    @Test func `one that may follow comes back from later behind what is held`() throws {
        var trace = Self.trace()
        for activity in [2, 3] as [ActivityID] { trace.activities[activity]?.mayFollow = true }
        // Its Create may be among them: this owner has not put either where it is.
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 2)])
        trace.read()
        let held = trace.admit(.pointers(1, pointer(2, 11)))
        #expect(held.sends.isEmpty)
        #expect(held.resolutions.flatMap(\.holds).map(\.atHead) == [true], "there by its age")
        // A Create has nobody before it.
        #expect(trace.admit(.pointers(2, pointer(1, 12))).sends.map(\.activity) == [1])
    }

    @Test func `a successor does not come back past one that is on its way there`() throws {
        var trace = Self.trace()
        for activity in [2, 3] as [ActivityID] { trace.activities[activity]?.mayFollow = true }
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 2)])
        trace.read()
        let held = trace.admit(.pointers(1, pointer(2, 11)))
        #expect(held.steps.contains("resolve"))
        // Redis brings 3 back before 2 is there, and says so when it is.
        #expect(trace.live(.milliseconds(300)).releases.map(\.host) == [1])
        trace.feed(.released(0, 1, 2, remaining: 1))
        trace.resolve(held)
        let back = trace.admit(.pointers(2, pointer(3, 11)))
        #expect(back.sends.isEmpty)
        #expect(back.resolutions.flatMap(\.holds).map(\.atHead) == [true])
        // The next part is in order, and is sent.
        trace.resolve(back)
        trace.live(.milliseconds(300))
        trace.feed(.released(0, 1, 3, remaining: 1))
        let sends = trace.admit(.pointers(3, pointer(2, 11), pointer(3, 11))).sends
        #expect(sends.map(\.activity) == [2])
        #expect(trace.end(try #require(sends.first), .status(200)).sends.map(\.activity) == [3])
    }

    @Test func `of what comes back only the newer ones of that object go behind again`() throws {
        var trace = Self.trace()
        for activity in [2, 3] as [ActivityID] { trace.activities[activity]?.mayFollow = true }
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 2)])
        trace.read()
        #expect(trace.live(.milliseconds(300)).releases.map(\.host) == [1])
        // 2 is held while a part is on its way.
        let held = trace.admit(.pointers(1, pointer(2, 11)))
        trace.feed(.released(0, 1, 2, remaining: 0))
        trace.resolve(held)
        let back = trace.admit(.pointers(2, pointer(1, 11), pointer(3, 11), pointer(4, 11)))
        #expect(back.sends.map(\.activity) == [1, 4])
        for transmission in back.sends { trace.end(transmission, .status(200)) }
        trace.live(.milliseconds(110))
        let ended = try #require(trace.commit().resolutions.first { $0.entry == 2 })
        #expect(ended.holds.map(\.pointers) == [[pointer(3, 11)]])
    }

    @Test func `what one script has put there is not on its way any more`() throws {
        var trace = Self.trace()
        for activity in [2, 3] as [ActivityID] { trace.activities[activity]?.mayFollow = true }
        trace.own(0, held: [HeldHost(host: 1, condition: HostCondition(), held: 2)])
        trace.read()
        trace.live(.milliseconds(300))
        trace.feed(.released(0, 1, 2, remaining: 1))
        let part = trace.admit(.pointers(2, pointer(4, 11))).sends
        let mixed = trace.admit(.pointers(3, pointer(2, 11), pointer(5, 21))).sends
        #expect((part + mixed).map(\.activity) == [4, 5], "2 is to be held")
        for transmission in part + mixed { trace.end(transmission, .status(200)) }
        trace.live(.milliseconds(110))
        let ended = try trace.commit()
        #expect(ended.resolutions.map(\.entry) == [2, 3], "the part first")
        #expect(trace.resolve(ended).releases.map(\.host) == [1])
        trace.feed(.released(0, 1, 4, remaining: 1))
        let sends = trace.admit(.pointers(4, pointer(2, 11), pointer(3, 11))).sends
        #expect(sends.map(\.activity) == [2])
        #expect(trace.end(try #require(sends.first), .status(200)).sends.map(\.activity) == [3])
    }

    @Test func `what is taken back is not on its way any more`() throws {
        var trace = Self.trace()
        trace.activities[3]?.mayFollow = true
        trace.own(0)
        trace.read()
        let sends = trace.admit(.fanout(1, 2, to: [11, 21])).sends
        trace.end(sends[0], .status(429), retryAfter: .seconds(2))
        trace.live(.milliseconds(100))
        try trace.commit()
        // Its entry stays open with the other host; 2 is taken back, and then others are held.
        let back = trace.live(.seconds(3)).preparations
        let preparation = try #require(back.first)
        let again = try #require(trace.answer(preparation).sends.first)
        #expect(again.activity == 2)
        let first = trace.admit(.fanout(2, 4, to: [12])).sends
        trace.end(try #require(first.first), .status(429), retryAfter: .seconds(2))
        trace.live(.milliseconds(100))
        trace.resolve(try trace.commit())
        #expect(trace.live(.seconds(3)).releases.map(\.host) == [1])
        trace.feed(.released(0, 1, 3, remaining: 1))
        trace.end(again, .status(200))
        let sent = trace.admit(.pointers(3, pointer(3, 11), pointer(4, 12))).sends
        #expect(sent.map(\.activity) == [3], "one at a time, after the 429")
    }

    @Test func `a successor does not probe past one that is on its way there`() throws {
        var trace = Self.trace()
        for activity in [2, 3] as [ActivityID] { trace.activities[activity]?.mayFollow = true }
        let down = HostCondition(failingSince: trace.wall, probeDue: trace.wall, cause: "timeout")
        trace.own(0, held: [HeldHost(host: 1, condition: down, held: 2)])
        trace.read()
        let held = trace.admit(.pointers(1, pointer(2, 11)))
        #expect(trace.live(.milliseconds(300)).releases.map(\.count) == [1])
        trace.feed(.released(0, 1, 2, remaining: 1))
        trace.resolve(held)
        let back = trace.admit(.pointers(2, pointer(3, 11)))
        #expect(back.sends.isEmpty)
        #expect(trace.resolve(back).releases.map(\.count) == [1])
        trace.feed(.released(0, 1, 3, remaining: 2))
        #expect(trace.admit(.pointers(3, pointer(2, 11))).sends.map(\.activity) == [2])
    }

    @Test func `one that may follow does not probe a host past what is held`() throws {
        var trace = Self.trace()
        trace.activities[2]?.mayFollow = true
        let down = HostCondition(failingSince: trace.wall, probeDue: trace.wall, cause: "timeout")
        trace.own(0, held: [HeldHost(host: 1, condition: down, held: 2)])
        trace.read()
        let held = trace.admit(.pointers(1, pointer(2, 11)))
        #expect(held.sends.isEmpty)
        #expect(held.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(2, 11)]])
    }

    @Test func `what should have come back long ago is not waited for`() {
        var trace = Self.trace()
        trace.own(0, later: [later(pointer(1, 11, attempts: 1), in: .seconds(-61), trace)])
        #expect(trace.admit(.fanout(1, 2, to: [11])).sends.map(\.activity) == [2])
    }

    @Test func `what a former owner left is opened oldest first`() throws {
        var trace = Self.trace { $0.readCount = 2 }
        trace.own(0)
        // It had brought a retry back behind a successor that it knew to wait.
        let first = trace.read(.fanout(1, 2, to: [11]), .fanout(2, 3, to: [21]))
        #expect(first.preparations.isEmpty)
        let sends = trace.admit(.pointers(3, pointer(1, 11, attempts: 1))).sends
        #expect(Set(sends.map(\.activity)) == [1, 3])
        let create = try #require(sends.first { $0.activity == 1 })
        #expect(trace.end(create, .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `what came back together to a former owner is opened one activity at a time`() throws
    {
        var trace = Self.trace { $0.preparationLimit = 2 }
        trace.own(0)
        // It was killed when 3 had followed 2 into `later`, and 2 was not there yet.
        let first = trace.read(
            .pointers(1, pointer(1, 21), pointer(3, 11)), .fanout(2, 2, to: [11])
        ).preparations
        #expect(first.map(\.request.activities) == [[1, 2]])
        let opened = trace.answer(try #require(first.first))
        #expect(opened.sends.map(\.activity) == [1, 2])
        let second = opened.preparations
        #expect(second.map(\.request.activities) == [[3]])
        trace.answer(try #require(second.first))
        // Its entry does not end with a part of it.
        trace.end(opened.sends[0], .status(200))
        trace.live(.milliseconds(110))
        #expect(try trace.commit().resolutions.isEmpty)
        let last = trace.end(opened.sends[1], .status(200)).sends
        #expect(last.map(\.activity) == [3])
        trace.end(try #require(last.first), .status(200))
        #expect(try trace.commit().resolutions.map(\.entry) == [2, 1])
    }

    @Test func `what comes back waits behind what a former owner left, if newer`() throws {
        var trace = Self.trace { $0.openLimit = 8 }
        // It was killed when 3 had followed 2 into `later`, and 2 was not there yet.
        trace.own(0, later: [later(pointer(3, 11), in: .zero, trace)])
        let wide = (2...9).map { InboxID(rawValue: $0 * 10 + 1) }
        let full = trace.admit(.fanout(1, 1, to: wide), .fanout(2, 2, to: [11])).sends
        #expect(full.count == 8)
        // Of the reserve there is room for it, and of what is left for none.
        #expect(trace.read(.pointers(3, pointer(3, 11))).preparations.isEmpty)
        for transmission in full { trace.end(transmission, .status(200)) }
        let next = try trace.commit().preparations
        #expect(next.map(\.request.activities) == [[2, 3]])
        let sends = trace.answer(try #require(next.first)).sends
        #expect(sends.map(\.activity) == [2])
        #expect(trace.end(try #require(sends.first), .status(200)).sends.map(\.activity) == [3])
    }

    @Test func `a long log is opened before its end is seen`() {
        var trace = Self.trace { $0.readCount = 256 }
        trace.own(0)
        let wide = (1...Int32(LogEntry.inboxLimit)).map { InboxID(rawValue: $0 * 10 + 1) }
        let entries = (1...256).map {
            LogEntry.fanout(StreamID(milliseconds: UInt64($0), sequence: 0), 4, to: wide)
        }
        let read = trace.feed(.logRead([(PartitionNumber(rawValue: 0), entries)]))
        #expect(read.preparations.first?.request.checks == [4: wide])
    }

    @Test func `what was read first is admitted first, in whatever order PostgreSQL answers`() {
        var trace = Self.trace()
        trace.own(0)
        trace.read()
        let first = trace.read(.fanout(1, 1, to: [11])).preparations
        let second = trace.read(.fanout(2, 2, to: [11])).preparations
        #expect(trace.answer(second[0]).sends.isEmpty)
        #expect(trace.answer(first[0]).sends.map(\.activity) == [1])
    }

    @Test func `a retry to one inbox is waited for, though another comes back`() throws {
        var trace = Self.trace()
        trace.own(0, later: [later(pointer(1, 11, attempts: 1), in: .seconds(300), trace)])
        // Another inbox of the host had waited in the held queue.
        let back = trace.admit(.pointers(1, pointer(1, 12))).sends
        trace.end(try #require(back.first), .status(200))
        let fresh = trace.admit(.fanout(2, 2, to: [11]))
        #expect(fresh.sends.isEmpty)
        #expect(fresh.resolutions.flatMap(\.laters).map(\.pointer) == [pointer(2, 11)])
    }

    @Test func `behind a backlog a fresh one waits, though one of its chain is in later`() throws {
        var trace = Self.trace()
        let waiting = later(pointer(1, 11, attempts: 1), in: .seconds(300), trace)
        trace.own(
            0, held: [HeldHost(host: 1, condition: HostCondition(), held: 2)], later: [waiting])
        let held = trace.admit(.fanout(1, 2, to: [11]))
        let resolution = try #require(held.resolutions.first)
        #expect(resolution.holds.map(\.pointers) == [[pointer(2, 11)]])
        #expect(resolution.holds.map(\.atHead) == [false])
        #expect(resolution.laters.isEmpty)
        // Its successor does not get there before it.
        #expect(trace.admit(.fanout(2, 3, to: [11])).resolutions.isEmpty)
        let followed = trace.resolve(held).resolutions
        #expect(followed.flatMap(\.holds).map(\.pointers) == [[pointer(3, 11)]])
    }

    @Test func `one that is back waits behind an older one, though its own turn has not ended`()
        throws
    {
        var trace = Self.trace()
        let pause = HostCondition(suspendedUntil: trace.wall + .seconds(5))
        trace.own(0, held: [HeldHost(host: 1, condition: pause, held: 1)])
        let parking = trace.admit(.fanout(1, 2, to: [11]))
        #expect(parking.resolutions.map(\.entry) == [1])
        // Redis is slow to say that 2 is in the held queue; 1 comes from there meanwhile.
        trace.live(.seconds(6))
        let older = trace.admit(.pointers(2, pointer(1, 11))).sends
        #expect(older.map(\.activity) == [1])
        trace.resolve(parking)
        #expect(trace.admit(.pointers(3, pointer(2, 11))).sends.isEmpty)
        #expect(trace.end(try #require(older.first), .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `a Delete that PostgreSQL knows of ends what was loaded before it, too`() throws {
        var trace = Self.trace { $0.hostWindow = 1 }
        trace.own(0)
        trace.read()
        let sent = trace.admit(.fanout(1, 2, to: [21])).sends
        trace.activities[1]?.isSuperseded = true
        #expect(trace.admit(.fanout(2, 1, to: [11]), .fanout(3, 2, to: [11])).sends.isEmpty)
        trace.end(try #require(sent.first), .status(200))
        trace.live(.milliseconds(100))
        let ended = trace.history.flushes.flatMap(\.batch.outcomes).filter {
            $0.state == .superseded
        }
        #expect(Set(ended.map(\.activity)) == [1, 2])
    }
}
