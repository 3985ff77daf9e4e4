import DeliveryCore
import Testing

/// Of one activity's deliveries to a host some go to `later` and some to the held queue: what
/// follows it goes behind those that are held.
@Suite struct HeldPredecessorTests {
    /// Activity 1 waits in `later` for inbox 11, and is under way to inbox 12.
    private static func parted() throws -> (Trace, Transmission) {
        var trace = OrderingTests.trace { $0.hostWindow = 1 }
        let first = trace.admit(.fanout(1, 1, to: [11, 12])).sends
        let second = trace.end(try #require(first.first), .status(403)).sends
        #expect((first + second).map(\.activity) == [1, 1])
        return (trace, try #require(second.first))
    }

    @Test func `a fresh one does not follow one to later while another is under way`() throws {
        var (trace, create) = try Self.parted()
        let update = trace.admit(.fanout(2, 2, to: [11, 12]))
        #expect(update.sends.isEmpty && update.resolutions.isEmpty)
        trace.end(create, .status(429), retryAfter: .seconds(60))
        let parked = try trace.commit()
        #expect(parked.resolutions.map(\.entry) == [1])
        let followed = trace.resolve(parked).resolutions
        #expect(followed.flatMap(\.laters).isEmpty)
        #expect(followed.flatMap(\.holds).map(\.pointers) == [[pointer(2, 11), pointer(2, 12)]])
    }

    @Test func `nor does one that was held before`() throws {
        var (trace, create) = try Self.parted()
        #expect(trace.admit(.pointers(2, pointer(2, 11))).resolutions.isEmpty)
        trace.end(create, .status(429), retryAfter: .seconds(60))
        let followed = trace.resolve(try trace.commit()).resolutions
        #expect(followed.flatMap(\.laters).isEmpty)
        #expect(followed.flatMap(\.holds).map(\.pointers) == [[pointer(2, 11)]])
        #expect(followed.flatMap(\.holds).map(\.atHead) == [false])
    }

    @Test func `when the one under way has ended it follows the other`() throws {
        var (trace, create) = try Self.parted()
        trace.admit(.fanout(2, 2, to: [11]))
        let followed = trace.end(create, .status(200))
        #expect(followed.sends.isEmpty)
        #expect(followed.resolutions.flatMap(\.laters).map(\.pointer) == [pointer(2, 11)])
    }

    @Test func `one that is behind another waits for it, though an older one is in later`() throws {
        var (trace, create) = try Self.parted()
        trace.activities[5] = trace.activities[2]
        trace.admit(.fanout(2, 2, to: [11]))
        #expect(trace.admit(.fanout(3, 5, to: [11])).resolutions.isEmpty)
        trace.end(create, .status(429), retryAfter: .seconds(60))
        let followed = trace.resolve(try trace.commit())
        #expect(followed.resolutions.map(\.entry) == [2])
        #expect(trace.resolve(followed).resolutions.map(\.entry) == [3])
    }

    @Test func `the last of them to end need not be the one that is held`() throws {
        var trace = OrderingTests.trace()
        let hanging = trace.admit(.fanout(1, 1, to: [11])).sends
        let refused = trace.admit(.pointers(2, pointer(1, 12))).sends
        trace.admit(.pointers(3, pointer(2, 11)))
        trace.end(try #require(refused.first), .status(429), retryAfter: .seconds(1))
        trace.live(.milliseconds(110))
        #expect(trace.resolve(try trace.commit()).resolutions.isEmpty)
        #expect(trace.live(.seconds(3)).contains("release"))
        // Before what is held is back.
        let update = trace.end(try #require(hanging.first), .status(200))
        #expect(update.sends.isEmpty)
        #expect(update.resolutions.flatMap(\.holds).map(\.pointers) == [[pointer(2, 11)]])
    }

    @Test func `one that was held before goes behind an older one that is held after it`() throws {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        for activity in [1, 2] as [ActivityID] {
            trace.activities[activity] = PreparedFacts.Activity(
                lane: .normal, stored: trace.wall, expires: nil, size: 1,
                order: OrderingTests.object, kind: .revision)
        }
        let due = trace.wall + .seconds(1)
        let create = pointer(1, 11, attempts: 1)
        trace.own(
            0,
            held: [
                HeldHost(
                    host: 1, condition: HostCondition(suspendedUntil: trace.wall + .seconds(2)),
                    held: 1)
            ],
            later: [
                Resolution.Later(
                    pointer: create, due: due,
                    chain: ChainKey(host: 1, order: OrderingTests.object))
            ])
        trace.read()
        // It may not follow its Create to `later`: another may be among what is held.
        trace.resolve(trace.admit(.fanout(1, 2, to: [11])))
        trace.feed(.released(0, 1, 2, remaining: 0))
        trace.jump(.milliseconds(1_500))
        #expect(trace.admit(.pointers(2, pointer(4, 11), pointer(2, 11))).sends.isEmpty)
        let parked = trace.admit(.pointers(3, create))
        #expect(parked.resolutions.flatMap(\.holds).map(\.pointers) == [[create]])
        trace.jump(.seconds(1))
        let followed = trace.resolve(parked)
        #expect(followed.sends.isEmpty)
        #expect(followed.resolutions.flatMap(\.holds).map(\.pointers).last == [pointer(2, 11)])
    }
}
