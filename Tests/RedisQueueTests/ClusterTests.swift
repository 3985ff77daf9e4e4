import DeliveryCore
import EventLoop
import RedisQueue
import TestSupport
import Testing

/// Three nodes and more: these tests share the cores with all others.
@Suite(.serialized) struct ClusterTests {
    private typealias LogRead = [(PartitionNumber, [LogEntry])]

    /// A queue on a cluster, and its loop.
    private final class Subject {
        let loop = EventLoop()
        let queue: RedisQueue
        var states: [(isUp: Bool, reason: String)] = []

        init(_ url: String) throws {
            queue = RedisQueue(
                loop: loop, endpoint: try RedisEndpoint(url),
                incarnation: Incarnation(rawValue: "w1"), random: { 0 })
            queue.onStateChange = { [unowned self] in states.append((isUp: $0, reason: $1)) }
            queue.start()
            try turn("connected") { states.last?.isUp == true }
        }

        deinit { queue.stop() }

        func turn(
            _ what: String, within limit: Duration = .seconds(20),
            until condition: () throws -> Bool
        ) throws {
            let deadline = loop.now + limit
            while try !condition() {
                guard loop.now < deadline else {
                    throw Overdue(description: "\(what); states: \(states)")
                }
                loop.turn(waitingAtMost: .milliseconds(20))
            }
        }

        func outcome<Value>(
            _ start: (@escaping RedisCompletion<Value>) -> Void
        ) throws -> Result<Value, RedisFailure> {
            let promise = Promise<Value>()
            start(promise.complete)
            #expect(promise.outcome == nil, "a completion ran inside the call")
            try turn("a completion") { promise.outcome != nil }
            return promise.outcome!
        }

        /// Asked again while the cluster is away, as the machine does.
        func value<Value>(_ start: (@escaping RedisCompletion<Value>) -> Void) throws -> Value {
            let deadline = loop.now + .seconds(20)
            while true {
                switch try outcome(start) {
                case .success(let value): return value
                case .failure(.disconnected) where loop.now < deadline: continue
                case .failure(let failure): throw failure
                }
            }
        }

        func route(_ numbers: [Int], activity: Int64 = 7) throws {
            let fanouts = numbers.map { (PartitionNumber(rawValue: $0), Fanout.sample(activity)) }
            try value { (completion: @escaping RedisCompletion<Void>) in
                queue.route(fanouts, completion: completion)
            }
        }

        func log(_ number: Int) throws -> [LogEntry] {
            let read: LogRead = try value {
                queue.readLogs(
                    [(PartitionNumber(rawValue: number), after: .zero)], count: 1_000,
                    blockMilliseconds: 0, completion: $0)
            }
            return read.flatMap(\.1)
        }
    }

    @Test func `logs in many slots are waited at together`() throws {
        let fleet = try ClusterFleet()
        let subject = try Subject(fleet.url)
        try subject.route(Array(0..<64))
        let all = (0..<64).map { (PartitionNumber(rawValue: $0), after: StreamID.zero) }
        var found: Set<PartitionNumber> = []
        var cursors = all
        while found.count < 64 {
            let read: LogRead = try subject.value {
                subject.queue.readLogs(
                    cursors, count: 10, blockMilliseconds: 1_000, completion: $0)
            }
            for (partition, entries) in read {
                #expect(entries.count == 1)
                #expect(found.insert(partition).inserted)
                cursors[partition.rawValue].after = try #require(entries.last?.id)
            }
        }
        // Now that they all wait: one that gets something ends the read with it, and only with it.
        let read = Promise<LogRead>()
        subject.queue.readLogs(
            cursors, count: 10, blockMilliseconds: 10_000, completion: read.complete)
        subject.loop.turn(waitingAtMost: .milliseconds(20))
        try subject.route([17], activity: 8)
        try subject.turn("the read") { read.outcome != nil }
        #expect(try read.outcome?.get().map(\.0.rawValue) == [17])
        // An interrupt ends it with nothing, and what comes later is not lost.
        let interrupted = Promise<LogRead>()
        cursors[17].after = try #require(try read.outcome?.get()[0].1.last?.id)
        subject.queue.readLogs(
            cursors, count: 10, blockMilliseconds: 10_000, completion: interrupted.complete)
        subject.queue.interruptLogRead()
        try subject.turn("the interrupt") { interrupted.outcome != nil }
        #expect(try interrupted.outcome?.get().isEmpty == true)
        try subject.route([3], activity: 9)
        let later: LogRead = try subject.value {
            subject.queue.readLogs(
                cursors, count: 10, blockMilliseconds: 5_000, completion: $0)
        }
        #expect(later.map(\.0.rawValue) == [3])
    }

    @Test func `a cursor that goes back is read from there`() throws {
        let fleet = try ClusterFleet()
        let subject = try Subject(fleet.url)
        try subject.route([5])
        let entry = try #require(try subject.log(5).first)
        let partition = PartitionNumber(rawValue: 5)
        let waiting = Promise<LogRead>()
        subject.queue.readLogs(
            [(partition, after: entry.id)], count: 10, blockMilliseconds: 100,
            completion: waiting.complete)
        try subject.turn("nothing") { waiting.outcome != nil }
        #expect(try waiting.outcome?.get().isEmpty == true)
        // The read behind the entry still waits at the server.
        var again: LogRead = []
        while again.isEmpty {
            again = try subject.value {
                subject.queue.readLogs(
                    [(partition, after: .zero)], count: 10, blockMilliseconds: 1_000,
                    completion: $0)
            }
        }
        #expect(again.flatMap(\.1).map(\.id) == [entry.id])
    }

    @Test func `a slot that moves takes its log along, and whoever waits there`() throws {
        let fleet = try ClusterFleet()
        let subject = try Subject(fleet.url)
        let partition = PartitionNumber(rawValue: 1)
        try subject.route([1])
        let key = subject.queue.keys.log(partition)
        let target = try #require(
            try fleet.nodes.first { try $0.port != fleet.owner(of: key).port })
        let first = try #require(try subject.log(1).first)
        let waiting = Promise<LogRead>()
        subject.queue.readLogs(
            [(partition, after: first.id)], count: 10, blockMilliseconds: 60_000,
            completion: waiting.complete)
        subject.loop.turn(waitingAtMost: .milliseconds(50))

        let move = try fleet.beginMove(of: key, to: target)
        try move.moveKeys()
        // On the way: answered with ASK.
        try subject.route([1], activity: 8)
        let client = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        #expect(try client.command(["XLEN", key]) == .integer(2))
        try move.finish()
        // There: answered with MOVED.
        try subject.route([1], activity: 9)
        #expect(try client.command(["XLEN", key]) == .integer(3))
        try subject.turn("what waited") { waiting.outcome != nil }
        if case .success(let read) = waiting.outcome {
            #expect(read.flatMap(\.1).first?.content == .fanout(.sample(8)))
        }
        let rest: LogRead = try subject.value {
            subject.queue.readLogs(
                [(partition, after: first.id)], count: 10, blockMilliseconds: 5_000,
                completion: $0)
        }
        #expect(rest.flatMap(\.1).map(\.content) == [.fanout(.sample(8)), .fanout(.sample(9))])
        #expect(try target.command("XLEN", key) == .integer(3))
    }

    @Test func `an intake whose slot moves is read where it went`() throws {
        let fleet = try ClusterFleet()
        let subject = try Subject(fleet.url)
        let client = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        let key = subject.queue.keys.intake(.normal)
        let target = try #require(
            try fleet.nodes.first { try $0.port != fleet.owner(of: key).port })
        var expected: Set<StreamID> = []
        var seen: Set<StreamID> = []
        func post() throws {
            expected.insert(try client.enqueue(.normal, fields: [(name: "a", value: [1])]))
        }
        func read() throws {
            let deadline = subject.loop.now + .seconds(20)
            while seen != expected, subject.loop.now < deadline {
                let entries: [IntakeEntry] = try subject.value {
                    subject.queue.readIntake(count: 10, blockMilliseconds: 500, completion: $0)
                }
                seen.formUnion(entries.map(\.id))
            }
            #expect(seen == expected)
        }
        try post()
        try read()
        let move = try fleet.beginMove(of: key, to: target)
        try post()
        try move.moveKeys()
        try post()
        try read()
        try move.finish()
        try post()
        try read()
        #expect(try target.command("XLEN", key) == .integer(4))
        let ids = seen.map { (Lane.normal, $0) }
        try subject.value { (completion: @escaping RedisCompletion<Void>) in
            subject.queue.finishIntake(ids, completion: completion)
        }
        #expect(try client.command(["XLEN", key]) == .integer(0))
    }

    @Test(arguments: [true, false])
    func `a replica takes over from a node that died or froze`(dies: Bool) throws {
        let fleet = try ClusterFleet(replicas: true)
        let subject = try Subject(fleet.url)
        try subject.route(Array(0..<16))
        let key = subject.queue.keys.log(PartitionNumber(rawValue: 2))
        let old = try fleet.owner(of: key)
        try Patience.wait("the replicas have it all") {
            try fleet.nodes.prefix(3).allSatisfy {
                try $0.command("WAIT", "1", "100") == .integer(1)
            }
        }
        let start = ContinuousClock.now
        dies ? old.kill() : old.freeze()
        try subject.turn("away") { subject.states.last?.isUp == false }
        try subject.turn("back") { subject.states.last?.isUp == true }
        print("node \(dies ? "killed" : "frozen"): back after \(start.duration(to: .now))")
        for number in 0..<16 { #expect(try subject.log(number).count == 1) }
        let client = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        #expect(try client.command(["XLEN", key]) == .integer(1))
        #expect(!client.servers.contains(old.address))
        if !dies { old.thaw() }
    }

    @Test func `what does not exist is told of`() throws {
        let loop = EventLoop()
        let port = try freePorts(1)[0]
        let url = "redis+cluster://127.0.0.1:\(port)"
        let queue = RedisQueue(
            loop: loop, endpoint: try RedisEndpoint(url), incarnation: Incarnation(rawValue: "w"))
        var reasons: [String] = []
        queue.onStateChange = { _, reason in reasons.append(reason) }
        queue.start()
        while reasons.isEmpty { loop.turn(waitingAtMost: .milliseconds(50)) }
        #expect(reasons[0].contains("127.0.0.1:\(port): Connection refused"))
        queue.stop()
        let failure = #expect(throws: RedisFailure.self) {
            _ = try RedisClient(endpoint: RedisEndpoint(url), timeout: .milliseconds(100))
        }
        #expect("\(failure as Any)".contains("refused"))
        // A server that is no cluster says so.
        let bench = try Bench(["--port", "\(port)", "--bind", "127.0.0.1"])
        let other = #expect(throws: RedisFailure.self) {
            _ = try RedisClient(endpoint: RedisEndpoint(url), timeout: .milliseconds(100))
        }
        #expect("\(other as Any)".contains("cluster support disabled"))
        withExtendedLifetime(bench) {}
    }
}
