import DeliveryCore
import RedisQueue
import Testing

struct IntakeTests {
    private func enqueue(_ bench: Bench, _ lane: Lane, _ text: String) throws -> StreamID {
        try bench.server.client().enqueue(
            lane, fields: [(name: "activity", value: Array(text.utf8))])
    }

    private func read(_ bench: Bench, _ queue: RedisQueue) throws -> [IntakeEntry] {
        try bench.value { queue.readIntake(count: 10, blockMilliseconds: 0, completion: $0) }
    }

    @Test func `urgent entries are read first and each only once`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let bulk = try enqueue(bench, .bulk, "b")
        let normal = try enqueue(bench, .normal, "n")
        let urgent = try enqueue(bench, .urgent, "u")

        let entries = try read(bench, queue)
        #expect(entries.map(\.lane) == [.urgent, .normal, .bulk])
        #expect(entries.map(\.id) == [urgent, normal, bulk])
        #expect(entries[0].fields.map(\.name) == ["activity"])
        #expect(entries[0].fields[0].value == Array("u".utf8))
        #expect(try read(bench, queue).isEmpty)
    }

    @Test func `bytes that are not UTF-8 arrive as they were`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let bytes = (0...255).map { UInt8($0) }
        _ = try bench.server.client().enqueue(.normal, fields: [(name: "activity", value: bytes)])
        #expect(try read(bench, queue)[0].fields[0].value == bytes)
    }

    @Test func `an activity of a megabyte arrives whole`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let bytes = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try bench.server.client().enqueue(.normal, fields: [(name: "activity", value: bytes)])
        let entries = try read(bench, queue)
        #expect(entries.count == 1)
        #expect(entries[0].fields[0].value == bytes)
    }

    @Test func `a waiting read is woken by an entry`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let promise = Promise<[IntakeEntry]>()
        queue.readIntake(count: 1, blockMilliseconds: 60_000, completion: promise.complete)
        try bench.turn { self.blockedClients(bench) == 1 }
        _ = try enqueue(bench, .bulk, "b")
        try bench.turn { promise.outcome != nil }
        #expect(try promise.outcome?.get().map(\.lane) == [.bulk])
    }

    @Test func `an interrupt ends a read that waits, and one that is still on its way`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        for isWaiting in [true, false] {
            let promise = Promise<[IntakeEntry]>()
            queue.readIntake(count: 1, blockMilliseconds: 60_000, completion: promise.complete)
            if isWaiting { try bench.turn { self.blockedClients(bench) == 1 } }
            queue.interruptIntakeRead()
            try bench.turn { promise.outcome != nil }
            #expect(try promise.outcome?.get().isEmpty == true)
        }
    }

    private func blockedClients(_ bench: Bench) -> Int {
        let info = try? bench.redis("INFO", "clients").text
        let line = info?.split(whereSeparator: \.isNewline).first {
            $0.hasPrefix("blocked_clients:")
        }
        return line.flatMap { Int($0.dropFirst(16)) } ?? -1
    }

    @Test func `finished entries are gone from stream and pending list`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        for lane in Lane.intake { _ = try enqueue(bench, lane, "x") }
        _ = try enqueue(bench, .normal, "stays")
        let entries = try read(bench, queue)
        var before = QueueDepths()
        before.lanes = [
            .urgent: .init(length: 1, pending: 1), .normal: .init(length: 2, pending: 2),
            .bulk: .init(length: 1, pending: 1),
        ]
        #expect(try bench.value { queue.depths(partitions: [], completion: $0) } == before)

        let finished = entries.filter { $0.fields[0].value != Array("stays".utf8) }
        try bench.value { queue.finishIntake(finished.map { ($0.lane, $0.id) }, completion: $0) }
        var after = QueueDepths()
        after.lanes = [
            .urgent: .init(), .normal: .init(length: 1, pending: 1), .bulk: .init(),
        ]
        #expect(try bench.value { queue.depths(partitions: [], completion: $0) } == after)
    }

    @Test func `many entries are finished by one call`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let client = try bench.server.client()
        for _ in 0..<2_500 {
            _ = try client.enqueue(.bulk, fields: [(name: "a", value: [1])])
        }
        let entries: [IntakeEntry] = try bench.value {
            queue.readIntake(count: 2_500, blockMilliseconds: 0, completion: $0)
        }
        #expect(entries.count == 2_500)
        try bench.value { queue.finishIntake(entries.map { ($0.lane, $0.id) }, completion: $0) }
        let depths = try bench.value { queue.depths(partitions: [], completion: $0) }
        #expect(depths.lanes[.bulk] == .init(length: 0, pending: 0))
    }

    @Test func `a rejected entry is moved aside once, with the reason and the start of its fields`()
        throws
    {
        let bench = try Bench()
        let queue = try bench.queue()
        let id = try bench.server.client().enqueue(
            .normal,
            fields: [
                (name: "id", value: Array("mine".utf8)),
                (name: "activity", value: [UInt8](repeating: 0x61, count: 5_000)),
            ])
        let entry = try #require(try read(bench, queue).first)
        let rejected = RejectedEntry(
            entry, rejection: Rejection(code: "not-json", reason: "`activity` is not JSON"))
        for _ in 1...2 {
            try bench.value {
                queue.rejectIntake(
                    [rejected], at: WallTime(milliseconds: 1_700_000_000_000), completion: $0)
            }
        }

        let records = try #require(
            try bench.redis("XRANGE", "trunkline:{intake}:rejected", "-", "+").array)
        #expect(records.count == 1)
        let fields = try #require(records[0].array?[1].array).compactMap(\.text)
        #expect(
            fields == [
                "lane", "normal", "id", id.description, "at", "1700000000000", "code", "not-json",
                "reason", "`activity` is not JSON", "field:id", "mine", "field:activity",
                String(repeating: "a", count: 1_024),
            ])
        let depths = try bench.value { queue.depths(partitions: [], completion: $0) }
        #expect(depths.lanes[.normal] == .init(length: 0, pending: 0))
        #expect(depths.rejected == 1)
    }

    @Test func `what a dead consumer had in hand is taken over, then the consumer is deleted`()
        throws
    {
        let bench = try Bench()
        let dead = try bench.queue("dead")
        let ids = try [
            enqueue(bench, .bulk, "1"), enqueue(bench, .urgent, "2"), enqueue(bench, .bulk, "3"),
            enqueue(bench, .bulk, "deleted"),
        ]
        #expect(try read(bench, dead).count == 4)
        try bench.redis("XDEL", "trunkline:{intake}:bulk", ids[3].description)

        let living = try bench.queue("living")
        _ = try enqueue(bench, .normal, "4")
        #expect(try read(bench, living).count == 1)

        let heir = try bench.queue("heir")
        let alive = [Incarnation(rawValue: "living")] as Set
        func recover(_ count: Int) throws -> [IntakeEntry] {
            try bench.value {
                heir.recoverIntake(alive: alive, count: count, idle: .zero, completion: $0)
            }
        }
        #expect(try recover(2).map(\.id) == [ids[1], ids[0]])
        #expect(try consumers(bench, .bulk) == ["dead", "heir"])
        #expect(try recover(10).map(\.id) == [ids[2]])
        #expect(try consumers(bench, .bulk) == ["heir"])
        #expect(try consumers(bench, .urgent) == ["heir"])
        #expect(try consumers(bench, .normal) == ["living"])
        #expect(try recover(10).isEmpty)
        let depths = try bench.value { heir.depths(partitions: [], completion: $0) }
        #expect(depths.lanes[.bulk] == .init(length: 2, pending: 2))
        #expect(depths.lanes[.normal] == .init(length: 1, pending: 1))
    }

    @Test func `what was read a moment ago is left to its reader, known or not`() throws {
        let bench = try Bench()
        let new = try bench.queue("new")
        let heir = try bench.queue("heir")
        _ = try enqueue(bench, .bulk, "1")
        #expect(try read(bench, new).count == 1)
        let recovered = try bench.value { heir.recoverIntake(alive: [], count: 9, completion: $0) }
        #expect(recovered.isEmpty)
        #expect(try consumers(bench, .bulk) == ["new"])
    }

    @Test func `an entry whose answer was lost comes back to the same worker, later`() throws {
        let bench = try Bench()
        let queue = try bench.queue("me")
        let id = try enqueue(bench, .normal, "lost")
        #expect(try read(bench, queue).map(\.id) == [id])
        func recover(ownIdle: Duration) throws -> [IntakeEntry] {
            try bench.value {
                queue.recoverIntake(
                    alive: [queue.incarnation], count: 9, ownIdle: ownIdle, completion: $0)
            }
        }
        #expect(try recover(ownIdle: .seconds(30)).isEmpty)
        var recovered: [IntakeEntry] = []
        try bench.turn {
            recovered = (try? recover(ownIdle: .milliseconds(100))) ?? []
            return !recovered.isEmpty
        }
        #expect(recovered.map(\.id) == [id])
        #expect(try consumers(bench, .normal) == ["me"])
    }

    private func consumers(_ bench: Bench, _ lane: Lane) throws -> [String] {
        let reply = try bench.redis(
            "XINFO", "CONSUMERS", "trunkline:{intake}:\(lane.name)", "expand")
        return try #require(reply.array).compactMap { $0.array?[1].text }.sorted()
    }

    @Test func `groups that FLUSHALL took are made again, and nothing enqueued since is missed`()
        throws
    {
        let bench = try Bench()
        let queue = try bench.queue()
        try bench.redis("FLUSHALL")
        let id = try enqueue(bench, .normal, "after")
        #expect(try read(bench, queue).map(\.id) == [id])

        // The same while a read waits.
        let promise = Promise<[IntakeEntry]>()
        queue.readIntake(count: 1, blockMilliseconds: 60_000, completion: promise.complete)
        try bench.turn { self.blockedClients(bench) == 1 }
        try bench.redis("FLUSHALL")
        let second = try enqueue(bench, .urgent, "after")
        try bench.turn { promise.outcome != nil }
        #expect(try promise.outcome?.get().map(\.id) == [second])
    }

    @Test func `scripts that SCRIPT FLUSH took are sent again`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let id = try enqueue(bench, .normal, "x")
        _ = try read(bench, queue)
        try bench.redis("SCRIPT", "FLUSH")
        try bench.value { queue.finishIntake([(.normal, id)], completion: $0) }
        #expect(try bench.redis("XLEN", "trunkline:{intake}:normal") == .integer(0))
    }
}
