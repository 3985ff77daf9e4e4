import DeliveryCore
import EventLoop
import RedisQueue
import TestSupport
import Testing

struct OutageTests {
    private let partition = PartitionNumber(rawValue: 0)

    @Test func `a numeric address waits for no name server`() {
        let loop = EventLoop()
        for address in ["127.0.0.1", "::1"] {
            var outcome: NameLookup.Outcome?
            loop.resolve(address) { outcome = $0 }
            loop.turn(waitingAtMost: .zero)
            #expect(outcome == .success([address]))
        }
    }

    @Test func `a killed Redis fails what is outstanding, once, and is used again when it is back`()
        throws
    {
        let bench = try Bench(["--appendonly", "yes", "--appendfsync", "always"])
        let queue = try bench.queue()
        try bench.value { (completion: @escaping RedisCompletion<Void>) in
            queue.route([(partition, .sample())], completion: completion)
        }
        var states: [Bool] = []
        queue.onStateChange = { connected, _ in states.append(connected) }
        let intake = Promise<[IntakeEntry]>()
        queue.readIntake(count: 1, blockMilliseconds: 60_000, completion: intake.complete)
        let logs = Promise<[(PartitionNumber, [LogEntry])]>()
        queue.readLogs(
            [(PartitionNumber(rawValue: 1), after: .zero)], count: 1, blockMilliseconds: 60_000,
            completion: logs.complete)
        let beat = Promise<Membership>()
        bench.server.freeze()
        queue.heartbeat(completion: beat.complete)
        bench.loop.turn(waitingAtMost: .zero)
        bench.server.kill()

        try bench.turn { intake.outcome != nil && logs.outcome != nil && beat.outcome != nil }
        for failure in [intake.failure, logs.failure, beat.failure] {
            guard case .disconnected = failure else {
                Issue.record("\(String(describing: failure))")
                continue
            }
        }
        // While it is away every call answers so.
        guard case .disconnected = try bench.failure({ queue.retire(completion: $0) }) else {
            return #expect(Bool(false), "no failure without a server")
        }

        try bench.server.start()
        try bench.turn { states.last == true }
        #expect(states.first == false)
        #expect(try bench.log(queue, 0).map(\.content) == [.fanout(.sample())])
        #expect(try bench.value { queue.heartbeat(completion: $0) }.alive == [queue.incarnation])
        let read: [IntakeEntry] = try bench.value {
            queue.readIntake(count: 1, blockMilliseconds: 0, completion: $0)
        }
        #expect(read.isEmpty)
    }

    @Test func `a Redis that comes back empty has its groups and scripts again`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        var states: [Bool] = []
        queue.onStateChange = { connected, _ in states.append(connected) }
        bench.server.kill()
        try bench.turn { states.last == false }
        try bench.server.start()
        try bench.turn { states.last == true }
        #expect(try bench.redis("XINFO", "GROUPS", "trunkline:{intake}:urgent").array?.count == 1)
        _ = try bench.own(queue, 0, epoch: 1)
        let id = try bench.server.client().enqueue(.bulk, fields: [(name: "a", value: [1])])
        let read: [IntakeEntry] = try bench.value {
            queue.readIntake(count: 1, blockMilliseconds: 0, completion: $0)
        }
        #expect(read.map(\.id) == [id])
    }

    @Test func `a Redis that is not there yet is waited for, and the reason is told`() throws {
        let bench = try Bench()
        bench.server.kill()
        let queue = RedisQueue(
            loop: bench.loop, endpoint: bench.server.endpoint,
            incarnation: Incarnation(rawValue: "early"))
        var told: [(Bool, String)] = []
        queue.onStateChange = { told.append(($0, $1)) }
        queue.start()
        try bench.turn { !told.isEmpty }
        #expect(told[0].0 == false)
        #expect(told[0].1.contains("No such file") || told[0].1.contains("refused"))
        try bench.server.start()
        try bench.turn { told.last?.0 == true }
    }

    @Test func `a frozen Redis is given up on`() throws {
        let bench = try Bench()
        let queue = try bench.queue(patience: .milliseconds(50))
        bench.server.freeze()
        let failure = try bench.failure { queue.heartbeat(completion: $0) }
        #expect(failure == .disconnected("no reply in time"))
        var isConnected = false
        queue.onStateChange = { connected, _ in isConnected = connected }
        bench.server.thaw()
        try bench.turn { isConnected }
        #expect(try bench.value { queue.heartbeat(completion: $0) }.alive == [queue.incarnation])
    }

    @Test func `a Redis that became a replica is left, and used again when it is primary`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        var told: [(isConnected: Bool, reason: String)] = []
        queue.onStateChange = { told.append(($0, $1)) }
        // Nobody listens on port 1: a replica without a primary.
        try bench.redis("REPLICAOF", "127.0.0.1", "1")
        let failure = try bench.failure { queue.heartbeat(completion: $0) }
        #expect(failure.map { "\($0)".contains("READONLY") } == true)
        #expect(told.first.map { !$0.isConnected && $0.reason.contains("READONLY") } == true)
        try bench.redis("REPLICAOF", "NO", "ONE")
        try bench.turn { told.last?.isConnected == true }
        _ = try bench.own(queue, 0, epoch: 1)
    }

    @Test func `one lost connection makes all three anew`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        var states: [Bool] = []
        queue.onStateChange = { connected, _ in states.append(connected) }
        let read = Promise<[(PartitionNumber, [LogEntry])]>()
        queue.readLogs(
            [(partition, after: .zero)], count: 1, blockMilliseconds: 60_000,
            completion: read.complete)
        let clients = try #require(try bench.redis("CLIENT", "LIST").text)
        let intake = try #require(
            clients.split(separator: "\n").first { $0.contains("name=trunkline-intake ") })
        let id = intake.prefix { $0 != " " }.dropFirst(3)
        try bench.redis("CLIENT", "KILL", "ID", String(id))
        try bench.turn { states.last == true }
        #expect(states == [false, true])
        guard case .disconnected = read.failure else {
            return #expect(Bool(false), "\(String(describing: read.outcome))")
        }
    }

    @Test func `of a name's addresses each is tried`() throws {
        // Redis listens on IPv4 only, and `localhost` may well be ::1 first.
        let port = try freePorts(1)[0]
        let bench = try Bench(["--port", "\(port)", "--bind", "127.0.0.1"])
        let endpoint = try RedisEndpoint("redis://localhost:\(port)/1")
        let queue = RedisQueue(
            loop: bench.loop, endpoint: endpoint, incarnation: Incarnation(rawValue: "w"))
        var isConnected = false
        queue.onStateChange = { connected, _ in isConnected = connected }
        queue.start()
        try bench.turn { isConnected }
        _ = try bench.value { queue.heartbeat(completion: $0) }
        #expect(
            try RedisClient(endpoint: endpoint).command(["ZCARD", "trunkline:workers"])
                == .integer(1))
    }

    @Test func `a name that does not exist is told as such`() throws {
        let loop = EventLoop()
        let connection = RedisConnection(
            loop: loop, address: .tcp(host: "no-such-host.invalid", port: 6_379),
            name: "test", patience: .seconds(10))
        var reasons: [String] = []
        connection.onClose = { reasons.append($0) }
        connection.connect()
        // One lookup, not a queue's three: a loop that goes while one is under way crashes.
        while reasons.isEmpty { loop.turn(waitingAtMost: .seconds(10)) }
        #expect(reasons.count == 1)
        #expect(reasons[0].hasPrefix("no-such-host.invalid: "))
    }

    @Test func `a client that waits gives up in time`() throws {
        let bench = try Bench()
        let client = try RedisClient(
            endpoint: bench.server.endpoint, timeout: .milliseconds(20))
        bench.server.freeze()
        let failure = #expect(throws: RedisFailure.self) { try client.command(["PING"]) }
        bench.server.thaw()
        guard case .disconnected = failure else {
            return #expect(Bool(false), "\(String(describing: failure))")
        }
    }

    @Test func `a wrong password keeps the state down and says so`() throws {
        let bench = try Bench(["--requirepass", "right"])
        var endpoint = bench.server.endpoint
        for password in ["wrong", nil, "right"] {
            endpoint.password = password
            let queue = RedisQueue(
                loop: bench.loop, endpoint: endpoint, incarnation: Incarnation(rawValue: "w"))
            var told: (Bool, String)?
            queue.onStateChange = { told = ($0, $1) }
            queue.start()
            try bench.turn { told != nil }
            #expect(told?.0 == (password == "right"))
            if password != "right" {
                #expect(
                    told?.1.contains(password == nil ? "NOAUTH" : "WRONGPASS") == true,
                    "\(told?.1 ?? "")")
                #expect(throws: RedisFailure.self) {
                    _ = try RedisClient(endpoint: endpoint).command(["PING"])
                }
            } else {
                #expect(try RedisClient(endpoint: endpoint).command(["PING"]) == .status("PONG"))
            }
            queue.stop()
        }
    }

    @Test func `the database of the endpoint is used`() throws {
        let bench = try Bench()
        var endpoint = bench.server.endpoint
        endpoint.database = 5
        let queue = RedisQueue(
            loop: bench.loop, endpoint: endpoint, incarnation: Incarnation(rawValue: "w"))
        var isConnected = false
        queue.onStateChange = { connected, _ in isConnected = connected }
        queue.start()
        try bench.turn { isConnected }
        _ = try bench.value { queue.heartbeat(completion: $0) }
        #expect(try bench.redis("EXISTS", "trunkline:workers") == .integer(0))
        #expect(
            try RedisClient(endpoint: endpoint).command(["EXISTS", "trunkline:workers"])
                == .integer(1))
    }

    @Test func `stopping fails what is outstanding before it returns`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let read = Promise<[IntakeEntry]>()
        queue.readIntake(count: 1, blockMilliseconds: 60_000, completion: read.complete)
        let beat = Promise<Membership>()
        queue.heartbeat(completion: beat.complete)
        queue.stop()
        #expect(read.failure == .disconnected("closed by us"))
        #expect(beat.failure == .disconnected("closed by us"))
        #expect(
            try bench.failure { queue.heartbeat(completion: $0) } == .disconnected("stopped"))
    }

    @Test func `stopping inside a completion is safe, and the others still end once`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        var outcomes: [Bool] = []
        for index in 0..<4 {
            queue.heartbeat { outcome in
                outcomes.append((try? outcome.get()) != nil)
                if index == 1 { queue.stop() }
            }
        }
        try bench.turn { outcomes.count == 4 }
        #expect(outcomes.prefix(2) == [true, true])
        bench.loop.turn(waitingAtMost: .zero)
        #expect(outcomes.count == 4)
    }

    @Test func `a queue that goes with reads under way ends each once`() throws {
        let bench = try Bench()
        let read = Promise<[(PartitionNumber, [LogEntry])]>()
        do {
            let queue = try bench.queue()
            queue.readLogs(
                [(partition, after: .zero)], count: 1, blockMilliseconds: 60_000,
                completion: read.complete)
            bench.loop.turn(waitingAtMost: .zero)
        }
        try bench.turn { read.outcome != nil }
        #expect(read.failure == .disconnected("closed by us"))
    }

    @Test(arguments: [1, 2, 3])
    func `through many lost connections every completion comes once`(seed: UInt64) throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let killer = try bench.server.client()
        var generator = SeededGenerator(seed: seed)
        var isConnected = true
        queue.onStateChange = { connected, _ in isConnected = connected }
        var beats: [Promise<Membership>] = []
        var routes: [Promise<Void>] = []
        var reads: [Promise<[(PartitionNumber, [LogEntry])]>] = []
        for _ in 0..<40 {
            for _ in 0..<Int.random(in: 1...50, using: &generator) {
                beats.append(Promise())
                queue.heartbeat(completion: beats.last!.complete)
                routes.append(Promise())
                queue.route([(partition, .sample())], completion: routes.last!.complete)
            }
            if reads.last.map({ $0.outcome != nil }) ?? true {
                reads.append(Promise())
                queue.readLogs(
                    [(partition, after: .zero)], count: 3, blockMilliseconds: 0,
                    completion: reads.last!.complete)
            }
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                bench.loop.turn(waitingAtMost: .zero)
            }
            try killer.command(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
            if Bool.random(using: &generator) { try bench.turn { isConnected } }
        }
        try bench.turn("seed \(seed)") {
            isConnected && beats.allSatisfy { $0.outcome != nil }
                && routes.allSatisfy { $0.outcome != nil }
                && reads.allSatisfy { $0.outcome != nil }
        }
        // What was said to stand in the log does; more may.
        let routed = routes.count { $0.failure == nil }
        let length = try #require(try bench.redis("XLEN", "trunkline:{p0}:log").integer)
        #expect(length >= routed)
        #expect(routes.contains { $0.failure != nil }, "seed \(seed) lost nothing")
        #expect(routed > 0, "seed \(seed) kept nothing")
    }

    @Test func `a full Redis refuses producers and still takes what ends work`() throws {
        let bench = try Bench()
        let queue = try bench.queue()
        let lease = try bench.own(queue, 0, epoch: 1)
        let host = HostID(rawValue: 4)
        let entry = try bench.route(queue, 0, .sample())
        let second = try bench.route(queue, 0, .sample(8))
        let intake = try bench.server.client().enqueue(.normal, fields: [(name: "a", value: [1])])
        _ = try bench.value { (completion: @escaping RedisCompletion<[IntakeEntry]>) in
            queue.readIntake(count: 9, blockMilliseconds: 0, completion: completion)
        }
        try bench.redis("CONFIG", "SET", "maxmemory", "1")

        #expect(throws: RedisFailure.self) {
            try bench.server.client().enqueue(.normal, fields: [(name: "a", value: [1])])
        }

        let resolutions: [RedisQueue.Resolution] = [
            .init(
                entry: entry, holds: [.init(host: host, front: true, pointers: pointers(1...2))],
                hostStates: [.init(host: host, state: "open")]),
            .init(
                entry: second,
                laters: [.init(pointer: pointers(3...3)[0], due: WallTime(milliseconds: 1))]),
        ]
        try bench.value { queue.resolve(lease, resolutions, completion: $0) }
        #expect(try bench.log(queue, 0).isEmpty)
        let released = try bench.value { queue.release(lease, host, count: 9, completion: $0) }
        #expect(released.entry != nil && released.remaining == 0)
        let due = try bench.value {
            queue.releaseDue(lease, now: WallTime(milliseconds: 1), count: 9, completion: $0)
        }
        #expect(due.moved == 1)
        try bench.value { queue.finishIntake([(.normal, intake)], completion: $0) }
        #expect(try bench.value { queue.renewLeases([lease], completion: $0) }.kept == [lease])
        #expect(try bench.value { queue.heartbeat(completion: $0) }.alive == [queue.incarnation])

        // A worker that starts now can take over.
        let heir = try bench.queue("heir")
        _ = try bench.value { heir.prepare(completion: $0) }
        _ = try bench.own(heir, 1, epoch: 1)
    }
}

extension Promise {
    var failure: RedisFailure? {
        if case .failure(let failure) = outcome { return failure }
        return nil
    }
}
