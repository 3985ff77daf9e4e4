import DeliveryCore
import Glibc
import Scoreboard
import Telemetry
import Testing

@Suite struct ScoreboardTests {
    let incarnation = Incarnation(rawValue: "host-1.example_0123456789")
    let activity = ActivityID(day: 20_000, sequence: 42)

    @Test func `the supervisor reads what a worker wrote`() throws {
        let board = try Scoreboard(slots: 3)
        let slot = try ScoreboardSlot(
            descriptor: board.descriptor, slot: 1, incarnation: incarnation)
        #expect(board.read(1).state == .starting)
        #expect(board.read(1).pid == getpid())
        #expect(board.read(1).incarnation == incarnation)

        var metrics = Metrics()
        metrics.increment(.deliveries(.bulk, .delivered), by: 9)
        metrics.observe(.enqueueToDelivered(.bulk), .seconds(2))
        slot.publish(metrics, state: .ready, at: Instant(nanoseconds: 77))
        slot.enter(.parse, .activity(activity))
        let reading = board.read(1)
        #expect(reading.metrics == metrics)
        #expect(reading.state == .ready)
        #expect(reading.heartbeat == Instant(nanoseconds: 77))
        #expect(reading.stage == .parse)
        #expect(reading.item == .activity(activity))

        slot.leave()
        #expect(board.read(1).stage == .idle)
        for neighbour in [0, 2] {
            #expect(board.read(neighbour).state == .absent)
            #expect(board.read(neighbour).metrics == Metrics())
        }
    }

    @Test func `a cleared slot is as new`() throws {
        let board = try Scoreboard(slots: 2)
        let new = board.read(0)
        let slot = try ScoreboardSlot(
            descriptor: board.descriptor, slot: 0, incarnation: incarnation)
        var metrics = Metrics()
        metrics.increment(.fenced)
        slot.publish(metrics, state: .draining, at: Instant(nanoseconds: 1))
        slot.enter(.sign, .activity(activity))
        board.clear(0)
        #expect(board.read(0) == new)
    }

    @Test(arguments: [
        WorkItem.activity(ActivityID(day: 20_000, sequence: 42)),
        .entry(
            IntakeReference(
                lane: .urgent, id: StreamID(milliseconds: 1_763_690_000_123, sequence: 0))),
        .entry(
            IntakeReference(lane: .backfill, id: StreamID(milliseconds: .max, sequence: .max))),
    ])
    func `what is in hand is read as it was written, and nothing stays of it`(
        item: WorkItem
    ) throws {
        let board = try Scoreboard(slots: 1)
        let slot = try ScoreboardSlot(
            descriptor: board.descriptor, slot: 0, incarnation: incarnation)
        slot.enter(.expand, item)
        #expect(board.read(0).stage == .expand && board.read(0).item == item)
        #expect(board.read(0).incarnation == incarnation)
        slot.enter(.settle)
        #expect(board.read(0).stage == .settle && board.read(0).item == nil)
    }

    @Test func `the longest incarnation fits, one byte more is refused`() throws {
        let board = try Scoreboard(slots: 1)
        let longest = Incarnation(rawValue: String(repeating: "x", count: 128))
        _ = try ScoreboardSlot(descriptor: board.descriptor, slot: 0, incarnation: longest)
        #expect(board.read(0).incarnation == longest)
        #expect(throws: ScoreboardError.incarnationTooLong(129, limit: 128)) {
            try ScoreboardSlot(
                descriptor: board.descriptor, slot: 0,
                incarnation: Incarnation(rawValue: longest.rawValue + "x"))
        }
    }

    @Test(arguments: [-1, 2])
    func `a slot that is not there is refused`(number: Int) throws {
        let board = try Scoreboard(slots: 2)
        #expect(throws: ScoreboardError.noSuchSlot(number, slots: 2)) {
            try ScoreboardSlot(
                descriptor: board.descriptor, slot: number, incarnation: incarnation)
        }
    }

    @Test(arguments: 0..<4)
    func `a header that is not ours is refused`(word: Int) throws {
        let board = try Scoreboard(slots: 2)
        var value: UInt64 = 0
        #expect(pread(board.descriptor, &value, 8, off_t(word * 8)) == 8)
        value ^= 1 << 62
        #expect(pwrite(board.descriptor, &value, 8, off_t(word * 8)) == 8)
        let error = #expect(throws: ScoreboardError.self) {
            try ScoreboardSlot(
                descriptor: board.descriptor, slot: 0, incarnation: incarnation)
        }
        if word == 0 {
            #expect(error == .notAScoreboard)
        } else {
            #expect(error?.description.contains("must be the same build") == true)
        }
    }

    @Test func `something else than a scoreboard is refused`() {
        let descriptor = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        #expect(throws: ScoreboardError.notAScoreboard) {
            try ScoreboardSlot(descriptor: descriptor, slot: 0, incarnation: incarnation)
        }
    }

    @Test func `nobody can change its size`() throws {
        let board = try Scoreboard(slots: 1)
        #expect(ftruncate(board.descriptor, 0) != 0)
        #expect(ftruncate(board.descriptor, 1 << 20) != 0)
    }
}
