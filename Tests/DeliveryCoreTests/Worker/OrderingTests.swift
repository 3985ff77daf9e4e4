import DeliveryCore
import Testing

/// Create, Update, Delete of one object at one host.
@Suite struct OrderingTests {
    static let object = OrderKey(rawValue: 99)

    /// Activities 1 (Create), 2 (Update) and 3 (Delete) of one object; 4 is of another.
    static func trace(_ change: (inout WorkerConfiguration) -> Void = { _ in }) -> Trace {
        var trace = Trace.owning(change)
        trace.read()
        let kinds: [(ActivityID, ActivityKind)] = [(1, .revision), (2, .revision), (3, .deletion)]
        for (activity, kind) in kinds {
            trace.activities[activity] = PreparedFacts.Activity(
                lane: .normal, stored: trace.wall, expires: nil, size: 1, order: object, kind: kind)
        }
        return trace
    }

    @Test func `a successor waits for its predecessor, others do not`() {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        #expect(create.map(\.activity) == [1])
        #expect(trace.admit(.fanout(2, 2, to: [11])).sends.isEmpty)
        #expect(trace.admit(.fanout(3, 4, to: [11])).sends.map(\.activity) == [4])
        #expect(trace.admit(.fanout(4, 2, to: [21])).sends.map(\.host) == ["h2.example"])
        #expect(trace.end(create[0], .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `of one activity several go at once, and the next waits for the last of them`() {
        var trace = Self.trace()
        let creates = trace.admit(.fanout(1, 1, to: [11, 12])).sends
        #expect(creates.count == 2)
        trace.admit(.fanout(2, 2, to: [11, 12]))
        #expect(trace.end(creates[1], .status(200)).sends.isEmpty)
        #expect(trace.end(creates[0], .status(404)).sends.map(\.activity) == [2, 2])
    }

    @Test func `one that is tried again later takes its successors along`() throws {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        trace.admit(.fanout(2, 2, to: [11]))
        let failed = trace.end(create[0], .status(403))
        let followed = try #require(failed.resolutions.first { $0.entry == 2 }?.laters.first)
        #expect(followed.pointer == pointer(2, 11), "no attempt is used up")
        let retried = try #require(
            trace.commit().resolutions.first { $0.entry == 1 }?.laters.first)
        #expect(followed.due == retried.due)

        // A later one that comes fresh follows too.
        let fresh = trace.admit(.fanout(5, 2, to: [12]))
        #expect(fresh.sends.isEmpty)
        #expect(fresh.resolutions.first?.laters.map(\.due) == [retried.due])

        // They come back together, and go one after the other.
        trace.live(.seconds(601))
        let back = trace.admit(.pointers(6, pointer(1, 11, attempts: 1), pointer(2, 11))).sends
        #expect(back.map(\.activity) == [1])
        #expect(trace.end(back[0], .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `a held one is in Redis before its successor gets there`() throws {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        trace.admit(.fanout(2, 2, to: [11]))
        let suspended = trace.end(create[0], .status(429), retryAfter: .seconds(60))
        #expect(suspended.resolutions.isEmpty, "the successor stays where it is")
        let parked = try trace.commit()
        #expect(parked.resolutions.map(\.entry) == [1])
        let followed = trace.resolve(parked)
        #expect(followed.resolutions.map(\.entry) == [2])
        #expect(followed.resolutions.first?.holds.map(\.pointers) == [[pointer(2, 11)]])
    }

    @Test func `those of one entry are held together, in their order`() throws {
        var trace = Self.trace()
        let sends = trace.admit(.pointers(1, pointer(1, 11), pointer(2, 11))).sends
        #expect(sends.map(\.activity) == [1])
        trace.end(sends[0], .status(429), retryAfter: .seconds(60))
        let resolution = try #require(trace.commit().resolutions.first)
        #expect(resolution.holds.map(\.pointers) == [[pointer(1, 11), pointer(2, 11)]])
        #expect(trace.gauges.open == 0)
    }

    @Test func `a Delete supersedes what is not in flight, and is sent itself`() throws {
        var trace = Self.trace { $0.hostWindow = 1 }
        let other = trace.admit(.fanout(1, 4, to: [13])).sends
        trace.admit(.fanout(2, 1, to: [11, 12]), .fanout(3, 2, to: [11]))
        trace.admit(.fanout(4, 3, to: [11]))
        #expect(trace.end(other[0], .status(200)).sends.map(\.activity) == [3])
        trace.live(.milliseconds(100))
        let ended = trace.history.flushes.flatMap(\.batch.outcomes).filter {
            $0.state == .superseded
        }
        #expect(Set(ended.map(\.activity)) == [1, 2])
    }

    @Test func `a Create in flight is waited for, and not tried again once it is deleted`() throws {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        #expect(trace.admit(.fanout(2, 3, to: [11])).sends.isEmpty)
        let failed = trace.end(create[0], .status(500))
        #expect(failed.sends.map(\.activity) == [3])
        trace.live(.milliseconds(100))
        let batch = try #require(trace.history.flushes.last).batch
        #expect(batch.outcomes.map(\.state) == [.superseded])
        #expect(batch.attempts.map(\.status) == [500])
    }

    @Test func `a Create that comes after its Delete is not sent`() throws {
        var trace = Self.trace()
        let delete = trace.admit(.fanout(1, 3, to: [11])).sends
        trace.end(delete[0], .status(200))
        #expect(trace.admit(.fanout(2, 1, to: [11, 21])).sends.isEmpty)
        for _ in 0..<2 {
            try trace.commit()
            trace.live(.milliseconds(100))
        }
        // After ten minutes PostgreSQL has to know.
        trace.live(.seconds(602))
        #expect(trace.admit(.fanout(3, 2, to: [31])).sends.count == 1)
        trace.activities[2]?.isSuperseded = true
        #expect(trace.admit(.fanout(4, 2, to: [41])).sends.count == 1, "it is open, and known")
        trace.activities[1]?.isSuperseded = true
        #expect(trace.admit(.fanout(5, 1, to: [51])).sends.isEmpty)
    }

    @Test func `one that is known to be deleted is not sent when its turn comes`() throws {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        trace.admit(.fanout(2, 2, to: [11]))
        #expect(trace.admit(.fanout(3, 3, to: [21])).sends.map(\.host) == ["h2.example"])
        #expect(trace.end(create[0], .status(200)).sends.isEmpty)
        trace.live(.milliseconds(100))
        let outcomes = trace.history.flushes.flatMap(\.batch.outcomes)
        #expect(outcomes.filter { $0.state == .superseded }.map(\.activity) == [2])
    }

    @Test func `what is behind one that goes to the tail goes there with it`() throws {
        var trace = Self.trace()
        trace.activities[5] = trace.activities[2]
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        // They were held before, and wait for the Create, which goes back to the held queue.
        trace.admit(.pointers(2, pointer(2, 11), pointer(5, 11)))
        trace.end(create[0], .status(429), retryAfter: .seconds(60))
        let followed = trace.resolve(try trace.commit())
        let holds = try #require(followed.resolutions.first).holds
        #expect(holds.map(\.atHead) == [false])
        #expect(holds.map(\.pointers) == [[pointer(2, 11), pointer(5, 11)]])
    }

    @Test func `what leaves with its partition leaves no chain behind`() throws {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        trace.admit(.fanout(2, 2, to: [11]))
        trace.feed(.fenced(OwnedLease(partition: 0, epoch: 1)))
        #expect(trace.gauges.open == 0)
        trace.end(create[0], .status(200))
        trace.feed(.membershipSeen(alive: [me]))
        trace.own(0, epoch: 2)
        // What was asked for before the loss is answered.
        trace.read()
        #expect(trace.admit(.fanout(2, 2, to: [11])).sends.count == 1)
    }

    @Test func `one that waits for its turn for a minute lets its entry go`() throws {
        var trace = Self.trace()
        trace.admit(.fanout(1, 1, to: [11]))
        trace.admit(.fanout(2, 2, to: [11]))
        let swept = trace.live(.seconds(62))
        let later = try #require(swept.resolutions.first { $0.entry == 2 }?.laters.first)
        #expect(later.pointer == pointer(2, 11))
    }

    /// Activity 1 was refused and waits in `later`, 2 has followed it there, and both are due.
    private static func bothDue() throws -> Trace {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        trace.admit(.fanout(2, 2, to: [11]))
        trace.resolve(trace.end(try #require(create.first), .status(403)))
        trace.resolve(try trace.commit())
        trace.live(.seconds(601))
        return trace
    }

    @Test func `one that is back from later before its predecessor waits for it`() throws {
        var trace = try Self.bothDue()
        let early = trace.admit(.pointers(6, pointer(2, 11)))
        #expect(early.sends.isEmpty && early.resolutions.isEmpty)
        let back = trace.admit(.pointers(7, pointer(1, 11, attempts: 1))).sends
        #expect(back.map(\.activity) == [1])
        #expect(trace.end(try #require(back.first), .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `one that waits for a predecessor that is due lets others end before it`() throws {
        var trace = try Self.bothDue()
        trace.activities[0] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall, expires: nil, size: 1, order: Self.object)
        // An older one is on its way when 2 comes back, and ends before 1 does.
        let older = trace.admit(.fanout(5, 0, to: [11])).sends
        trace.admit(.pointers(6, pointer(2, 11)))
        #expect(trace.end(try #require(older.first), .status(200)).sends.isEmpty)
        let back = trace.admit(.pointers(7, pointer(1, 11, attempts: 1))).sends
        #expect(back.map(\.activity) == [1])
        #expect(trace.end(try #require(back.first), .status(200)).sends.map(\.activity) == [2])
    }

    @Test func `one that waits for its turn is superseded with its predecessor`() throws {
        var trace = Self.trace()
        let create = trace.admit(.fanout(1, 1, to: [11])).sends
        trace.end(try #require(create.first), .status(403))
        try trace.commit()
        trace.live(.seconds(601))
        trace.admit(.fanout(2, 2, to: [11]))
        // Meanwhile the Delete was stored.
        trace.activities[1]?.isSuperseded = true
        let back = trace.admit(.pointers(3, pointer(1, 11, attempts: 1)))
        #expect(back.sends.isEmpty)
        let ends = (back + trace.live(.seconds(1))).flushes.flatMap(\.batch.outcomes)
        #expect(ends.map(\.activity) == [1, 2] && ends.allSatisfy { $0.state == .superseded })
    }

    @Test func `one whose predecessor never comes back from later does not wait for ever`() throws {
        var trace = try Self.bothDue()
        trace.admit(.pointers(6, pointer(2, 11)))
        let swept = trace.live(.seconds(62))
        #expect(swept.resolutions.flatMap(\.laters).map(\.pointer) == [pointer(2, 11)])
        trace.live(.seconds(31))
        #expect(trace.admit(.pointers(7, pointer(2, 11))).sends.map(\.activity) == [2])
    }

    @Test func `one that is back from later goes behind a predecessor that is held`() throws {
        var trace = try Self.bothDue()
        let pause = trace.admit(.fanout(5, 4, to: [11])).sends
        trace.end(try #require(pause.first), .status(429), retryAfter: .seconds(60))
        var actions = trace.admit(.pointers(6, pointer(2, 11)))
        actions += trace.admit(.pointers(7, pointer(1, 11, attempts: 1)))
        actions += trace.resolve(actions)
        // What is put off until now is back at once.
        for (entry, later) in zip([8, 9] as [StreamID], actions.resolutions.flatMap(\.laters)) {
            actions += trace.admit(.pointers(entry, later.pointer))
        }
        let holds = actions.resolutions.flatMap(\.holds)
        #expect(holds.map { $0.pointers.map(\.activity) } == [[1], [2]])
        #expect(holds.map(\.atHead) == [true, false])
    }

    /// Thousands of one object to one inbox; the first is under way.
    private func crowded(_ count: Int64) throws -> (Trace, Transmission) {
        var trace = Trace.owning { $0.loadingLimit = 4_096 }
        trace.read()
        for activity in 1...count {
            trace.activities[ActivityID(rawValue: activity)] = PreparedFacts.Activity(
                lane: .normal, stored: trace.wall, expires: nil, size: 1, order: Self.object)
        }
        var sends: [Transmission] = []
        for activity in 1...count {
            let entry = StreamID(milliseconds: UInt64(activity), sequence: 0)
            sends += trace.admit(.fanout(entry, ActivityID(rawValue: activity), to: [11])).sends
        }
        #expect(sends.map(\.activity) == [1])
        return (trace, try #require(sends.first))
    }

    @Test func `thousands behind one activity follow it without exhausting the stack`() throws {
        var (trace, first) = try crowded(4_000)
        #expect(trace.end(first, .status(403)).resolutions.count == 3_999)
    }

    @Test func `thousands behind one activity are dropped without exhausting the stack`() throws {
        var (trace, first) = try crowded(4_000)
        var controls = Controls()
        controls.add(HostControl(isBlocked: true), to: "h1.example")
        trace.feed(.controlsChanged(controls))
        trace.end(first, .status(202))
        let dropped = trace.history.flushes.flatMap(\.batch.outcomes).filter {
            $0.state == .dropped
        }
        #expect(dropped.count + trace.gauges.unsettled >= 3_999)
    }
}
