import DeliveryCore
import Testing

/// Nobody stands in everybody's way: under load, after failures, and behind what has ended.
@Suite struct StandstillTests {
    private static func revision(_ trace: Trace) -> PreparedFacts.Activity {
        PreparedFacts.Activity(
            lane: .normal, stored: trace.wall, expires: nil, size: 1,
            sender: SenderID(rawValue: 1), order: OrderingTests.object, kind: .revision)
    }

    @Test func `what comes back gets its turn under a load of light senders`() throws {
        var trace = Trace.owning { $0.openLimit = 64 }
        trace.read()
        let wide = (1...64).map { InboxID(rawValue: $0 * 10) }
        let sends = trace.admit(.fanout(1, 7, to: wide, sender: 1)).sends
        for light in 1...20 as ClosedRange<UInt64> {
            let activity = ActivityID(rawValue: 100 + Int64(light))
            let id = StreamID(milliseconds: 10 + light, sequence: 0)
            trace.admit(.fanout(id, activity, to: [20_010], sender: 1_000 + light))
        }
        #expect(trace.gauges.open == 72, "the reserve is used up, and more waits for it")
        #expect(trace.read(.pointers(50, pointer(5, 5001, attempts: 1))).preparations.isEmpty)
        for transmission in sends.prefix(2) { trace.end(transmission, .status(200)) }
        trace.live(.milliseconds(110))
        let opened = try trace.commit().preparations.flatMap(\.request.activities)
        #expect(opened.count == 2 && opened.contains(5))
    }

    @Test func `what a former owner left is opened oldest first, however much it is`() throws {
        var trace = Trace.owning {
            $0.loadingLimit = 2; $0.readCount = 8
        }
        trace.activities[20] = Self.revision(trace)
        trace.activities[21] = Self.revision(trace)
        var actions = trace.read(
            .fanout(1, 21, to: [11], sender: 1), .pointers(2, pointer(10, 51)),
            .pointers(3, pointer(12, 61)), .pointers(4, pointer(20, 11, attempts: 1)))
        var sent: [ActivityID] = []
        for _ in 0..<6 {
            actions = actions.preparations.flatMap { trace.answer($0) }
            sent += actions.sends.map(\.activity)
        }
        #expect(sent.contains(20) && !sent.contains(21))
    }

    @Test func `a preparation that PostgreSQL refuses for ever stops only its own`() throws {
        var trace = Trace.owning()
        trace.read()
        let bad = try #require(trace.read(.fanout(1, 7, to: [11])).preparations.first)
        trace.feed(.preparationFailed(bad.id))
        var sends = 0
        for n in 2..<40 {
            let read = trace.read(
                .fanout(
                    StreamID(integerLiteral: UInt64(n)), ActivityID(rawValue: Int64(n + 100)),
                    to: [21]))
            for p in read.preparations {
                sends +=
                    (p.id == bad.id ? trace.feed(.preparationFailed(p.id)) : trace.answer(p))
                    .sends.count
            }
            for p in trace.live(.milliseconds(500)).preparations where p.id == bad.id {
                trace.feed(.preparationFailed(p.id))
            }
        }
        #expect(sends > 0)
    }

    @Test func `a predecessor that has ended lets its successor go`() throws {
        var trace = Trace()
        trace.connect()
        trace.feed(.membershipSeen(alive: [me]))
        trace.activities[1] = Self.revision(trace)
        trace.activities[2] = Self.revision(trace)
        let chain = ChainKey(host: 1, order: OrderingTests.object)
        trace.own(
            0,
            later: [
                Resolution.Later(
                    pointer: pointer(1, 11, attempts: 1), due: trace.wall + .seconds(10),
                    chain: chain)
            ])
        trace.admit(.fanout(1, 2, to: [11]))
        trace.live(.seconds(11))
        let read = trace.read(.pointers(2, pointer(1, 11, attempts: 1), pointer(2, 11)))
        var sends = trace.answer(
            try #require(read.preparations.first), settled: [1: [11]]
        ).sends
        for _ in 0..<200 where sends.isEmpty {
            let turn = trace.live(.seconds(1))
            sends += turn.sends
            trace.resolve(turn)
        }
        #expect(sends.map(\.activity) == [2])
    }
}
