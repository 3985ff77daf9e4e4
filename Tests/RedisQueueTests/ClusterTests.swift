import DeliveryCore
import EventLoop
import RedisQueue
import TestSupport
import Testing

/// Three nodes and more: these tests share the cores with all others.
@Suite(.serialized) struct ClusterTests {
    private typealias LogRead = [(PartitionNumber, [LogEntry])]

    /// A queue on a cluster, and its loop.
    private final class Subject: LoopBench {
        let loop = EventLoop()
        let queue: RedisQueue
        var states: [(isUp: Bool, reason: String)] = []
        var circumstances: String { "; states: \(states.suffix(5))" }

        init(_ url: String, random: @escaping () -> Double = { 0 }) throws {
            queue = RedisQueue(
                loop: loop, endpoint: try RedisEndpoint(url),
                incarnation: Incarnation(rawValue: "w1"), random: random)
            queue.onStateChange = { [unowned self] in states.append((isUp: $0, reason: $1)) }
            queue.start()
            try turn("connected") { states.last?.isUp == true }
        }

        deinit { queue.stop() }

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

        func log(_ number: Int) throws -> [LogEntry] { try log(queue, number) }
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

    @Test func `a read that does not wait looks at every log`() throws {
        let fleet = try ClusterFleet()
        let subject = try Subject(fleet.url)
        try subject.route(Array(0..<64))
        let read: LogRead = try subject.value {
            subject.queue.readLogs(
                (0..<64).map { (PartitionNumber(rawValue: $0), after: .zero) }, count: 10,
                blockMilliseconds: 0, completion: $0)
        }
        #expect(read.map(\.0.rawValue) == Array(0..<64))
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
            try fleet.nodes.prefix(3).allSatisfy { try $0.isReplicated() }
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

    @Test func `a replica that was named takes over, and that is told although none was away`()
        throws
    {
        let fleet = try ClusterFleet(replicas: true)
        let subject = try Subject(fleet.wholeURL)
        let key = subject.queue.keys.log(PartitionNumber(rawValue: 2))
        let old = try fleet.owner(of: key)
        let replica = fleet.nodes[
            3 + (try #require(fleet.nodes.firstIndex { $0.port == old.port }))]
        let told = subject.states.count
        try replica.command("CLUSTER", "FAILOVER", "TAKEOVER")
        try subject.turn("away") { subject.states.dropFirst(told).contains { !$0.isUp } }
        try subject.turn("back") { subject.states.last?.isUp == true }
        #expect(subject.states.dropFirst(told).first?.reason == "slots have a new primary")
        try subject.route([2])
        #expect(try replica.command("XLEN", key) == .integer(1))
    }

    @Test func `when a node is back, so is everybody who waits at its logs`() throws {
        let fleet = try ClusterFleet()
        // Each waits as long as it likes between two attempts.
        let subject = try Subject(fleet.url, random: { .random(in: 0..<1) })
        let logs = (0..<32).map { (PartitionNumber(rawValue: $0), after: StreamID.zero) }
        let read = {
            let read: LogRead = try subject.value {
                subject.queue.readLogs(logs, count: 10, blockMilliseconds: 100, completion: $0)
            }
            #expect(read.isEmpty)
        }
        try read()
        let node = fleet.nodes[0]
        node.kill()
        // By now the pauses between two attempts are about a second long.
        try subject.turn("tried often") {
            subject.states.count { $0.reason.contains("refused") } >= 2
        }
        try node.start()
        try subject.turn("back") { subject.states.last?.isUp == true }
        try read()
        let seats = try logs.count {
            try fleet.owner(of: subject.queue.keys.log($0.0)).port == node.port
        }
        try subject.turn(within: .milliseconds(500), "all wait there") {
            let clients = try node.command("CLIENT", "LIST").text ?? ""
            return clients.split(separator: "\n").count {
                $0.contains("name=trunkline-logs ")
            } == seats
        }
    }

    @Test func `logs that nobody reads any more are not waited at`() throws {
        let fleet = try ClusterFleet()
        let subject = try Subject(fleet.url)
        let waiting = {
            try fleet.nodes.reduce(0) { sum, node in
                let clients = try node.command("CLIENT", "LIST").text ?? ""
                return sum
                    + clients.split(separator: "\n").count {
                        $0.contains("name=trunkline-logs ")
                    }
            }
        }
        let read: LogRead = try subject.value {
            subject.queue.readLogs(
                (0..<16).map { (PartitionNumber(rawValue: $0), after: .zero) }, count: 10,
                blockMilliseconds: 100, completion: $0)
        }
        #expect(read.isEmpty)
        #expect(try waiting() == 16)
        // This worker owns nothing now, and so reads nothing.
        try subject.turn(within: .seconds(15), "the seats are left") { try waiting() == 0 }
        try subject.route([3])
        let later: LogRead = try subject.value {
            subject.queue.readLogs(
                [(PartitionNumber(rawValue: 3), after: .zero)], count: 10,
                blockMilliseconds: 5_000, completion: $0)
        }
        #expect(later.map(\.0.rawValue) == [3])
    }

    @Test func `of a dead worker's leases only those of a silent node remain`() throws {
        let fleet = try ClusterFleet(nodeTimeoutMilliseconds: 20_000)
        let client = try RedisClient(endpoint: RedisEndpoint(fleet.url))
        let keys = QueueKeys()
        let leases = (0..<64).map { keys.lease(PartitionNumber(rawValue: $0)) }
        for lease in leases { try client.command(["SET", lease, "w1 7"]) }
        try client.command(["ZADD", keys.workers, "1", "w1"])
        let silent = try #require(
            try fleet.nodes.first { try $0.port != fleet.owner(of: keys.workers).port })
        let theirs = try Set(leases.filter { try fleet.owner(of: $0).port == silent.port })
        #expect(!theirs.isEmpty && theirs.count < 64)
        silent.freeze()
        let other = try RedisClient(
            endpoint: RedisEndpoint(fleet.url), timeout: .milliseconds(500))
        #expect(throws: RedisFailure.self) {
            try other.releaseLeases(of: Incarnation(rawValue: "w1"), partitions: 0..<64)
        }
        try other.retire(Incarnation(rawValue: "w1"))
        silent.thaw()
        let left = try Set(leases.filter { try client.command(["EXISTS", $0]) == .integer(1) })
        #expect(left == theirs)
        #expect(try client.command(["ZCARD", keys.workers]) == .integer(0))
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
