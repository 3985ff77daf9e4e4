import DeliveryCore
import Testing

/// From the hosts' queues to the wire.
@Suite struct DispatchTests {
    @Test func `a host gets no more at once than its window`() throws {
        var trace = Trace.owning { $0.hostWindow = 2 }
        let first = trace.admit(.fanout(1, 7, to: [11, 12, 13, 14, 21])).sends
        #expect(first.map(\.url) == ([11, 21, 12] as [InboxID]).map(\.url))
        #expect(trace.end(first[0], .status(200)).sends.map(\.url) == [InboxID(13).url])
        #expect(trace.end(first[1], .status(200)).sends.isEmpty)
        #expect(trace.gauges.inFlight == 2)
    }

    @Test func `no more is in flight than there are slots`() throws {
        var trace = Trace.owning { $0.slots = 3 }
        let first = trace.admit(.fanout(1, 7, to: [11, 21, 31, 41, 51])).sends
        #expect(first.count == 3)
        #expect(trace.gauges.inFlight == 3)
        #expect(trace.end(first[0], .status(200)).sends.map(\.url) == [InboxID(41).url])
        #expect(trace.gauges.inFlight == 3)
    }

    @Test func `hosts take turns, so that a long queue delays nobody`() {
        var trace = Trace.owning { $0.slots = 4 }
        let sends = trace.admit(
            .fanout(1, 7, to: [11, 12, 13, 14, 15, 16]), .fanout(2, 8, to: [21, 31])
        ).sends
        #expect(sends.map(\.host) == ["h1.example", "h2.example", "h3.example", "h1.example"])
    }

    @Test func `an urgent delivery overtakes bulk`() {
        var trace = Trace.owning { $0.slots = 1 }
        trace.activities[8] = PreparedFacts.Activity(
            lane: .urgent, stored: trace.wall, expires: nil, size: 1)
        trace.lane = .bulk
        let first = trace.admit(.fanout(1, 7, to: [11, 21, 31], lane: .bulk)).sends
        #expect(first.map(\.activity) == [7])
        trace.admit(.fanout(2, 8, to: [41], lane: .urgent))
        #expect(trace.end(first[0], .status(200)).sends.map(\.activity) == [8])
    }

    @Test func `what is queued for one host keeps its order`() {
        var trace = Trace.owning { $0.hostWindow = 1 }
        var inFlight = trace.admit(
            .fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]), .fanout(3, 9, to: [11])
        ).sends
        var order: [ActivityID] = []
        while let transmission = inFlight.first {
            order.append(transmission.activity)
            inFlight = trace.end(transmission, .status(200)).sends
        }
        #expect(order == [7, 8, 9])
    }

    @Test func `with too many results uncommitted nothing more is sent`() throws {
        var trace = Trace.owning {
            $0.unsettledLimit = 2
            $0.slots = 2
        }
        let first = trace.admit(.fanout(1, 7, to: [11, 21, 31, 41])).sends
        #expect(trace.end(first[0], .status(200)).sends.count == 1)
        let limit = trace.end(first[1], .status(200))
        #expect(limit.sends.isEmpty)
        #expect(!trace.pass(.milliseconds(100)).contains("send"))
        #expect(!trace.feed(.intakeRead([])).contains("readIntake"))
        let committed = try trace.commit()
        #expect(committed.sends.map(\.url) == [InboxID(41).url])
        #expect(committed.contains("readIntake"))
    }

    @Test func `what has waited half a minute for a full window is held`() throws {
        var trace = Trace.owning {
            $0.hostWindow = 1
            $0.slots = 10
        }
        trace.admit(.fanout(1, 7, to: [11]))
        trace.admit(.fanout(2, 8, to: [11, 12]))
        let before = trace.live(.seconds(30))
        #expect(!before.contains("resolve"))
        let held = trace.live(.seconds(2))
        let resolution = try #require(held.resolutions.first)
        #expect(resolution.entry == 2)
        #expect(resolution.holds.map(\.atHead) == [false])
        #expect(resolution.holds.map(\.pointers) == [[pointer(8, 11), pointer(8, 12)]])
        #expect(trace.gauges.held == 2)
    }

    @Test func `an expired activity is not sent any more`() throws {
        var trace = Trace.owning()
        trace.activities[7] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall, expires: trace.wall, size: 1)
        let actions = trace.admit(.fanout(1, 7, to: [11, 12]))
        #expect(actions.sends.isEmpty)
        #expect(actions.flushes.first?.batch.outcomes.map(\.state) == [.expired])
        #expect(actions.flushes.first?.batch.outcomes.map(\.inboxes) == [[11, 12]])
        #expect(try trace.commit().steps == ["forget", "resolve"])
    }

    @Test func `an activity that expires in its queue is not sent either`() throws {
        var trace = Trace.owning { $0.hostWindow = 1 }
        trace.activities[8] = PreparedFacts.Activity(
            lane: .normal, stored: trace.wall, expires: trace.wall + .seconds(5), size: 1)
        let first = trace.admit(
            .fanout(1, 7, to: [11]), .fanout(2, 8, to: [11]), .fanout(3, 9, to: [11])
        ).sends
        trace.live(.seconds(5))
        let next = trace.end(try #require(first.first), .status(200))
        // It costs no turn: the next one of the host goes.
        #expect(next.sends.map(\.activity) == [9])
        trace.live(.milliseconds(100))
        let states = trace.history.flushes.last?.batch.outcomes.map {
            "\($0.activity.rawValue) \($0.state)"
        }
        #expect(states?.sorted() == ["7 delivered", "8 expired"])
    }

    @Test func `as many slots as there are can all be taken`() {
        var trace = Trace.owning {
            $0 = WorkerConfiguration(slots: 9_000)
            $0.partitionCount = 1
            $0.urgentPercent = 0
            $0.suspectPercent = 100
        }
        let sent = (1...18 as ClosedRange<Int32>).map { number in
            let inboxes = (1...500).map { InboxID(rawValue: (number * 500 + $0) * 10) }
            let entry = StreamID(milliseconds: UInt64(number), sequence: 0)
            return trace.admit(.fanout(entry, 7, to: inboxes)).sends.count
        }
        #expect(sent == Array(repeating: 500, count: 18))
    }

    // MARK: Room for others

    @Test func `hosts that never answered leave room for the log, however many they are`() throws {
        var trace = Trace.owning {
            $0.slots = 8
            $0.suspectPercent = 25
            $0.openLimit = 20
        }
        trace.read()
        let silent = trace.admit(.fanout(1, 7, to: (10..<40).map { InboxID(rawValue: $0 * 10) }))
        #expect(silent.sends.count == 2)
        #expect(trace.read(.fanout(2, 8, to: [501])).preparations.isEmpty)
        #expect(trace.live(.seconds(3)).preparations.map(\.request.inboxes) == [[501]])
        #expect(trace.gauges.held == 28)
    }

    @Test func `one slow host does not stop the log for half a minute`() throws {
        var trace = Trace.owning { $0.openLimit = 20 }
        trace.read()
        for entry in 1...20 as ClosedRange<UInt64> {
            let activity = ActivityID(rawValue: Int64(entry))
            trace.admit(.fanout(StreamID(milliseconds: entry, sequence: 0), activity, to: [11]))
        }
        #expect(trace.gauges.open == 20)
        #expect(trace.read(.fanout(21, 21, to: [501])).preparations.isEmpty)
        #expect(trace.live(.seconds(3)).preparations.map(\.request.inboxes) == [[501]])
        #expect(trace.gauges.held == 16)
    }

    @Test func `no more are chosen than can be signed at once, and whose turn it is comes next`() {
        var trace = Trace.owning { $0.unsignedLimit = 2 }
        trace.read()
        let inboxes = (1...5).map { InboxID(rawValue: $0 * 10 + 1) }
        #expect(trace.admit(.fanout(1, 7, to: inboxes)).sends.count == 2)
        trace.lane = .urgent
        #expect(trace.admit(.fanout(2, 8, to: [91])).sends.isEmpty)
        #expect(trace.feed(.signed(1)).sends.map(\.activity) == [8])
        #expect(trace.feed(.signed(2)).sends.map(\.activity) == [7, 7])
    }
}
