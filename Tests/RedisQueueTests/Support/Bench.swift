/// A loop, a queue's servers, and what tests do with them.

import DeliveryCore
import EventLoop
import RedisQueue
import Testing

struct Overdue: Error, CustomStringConvertible {
    var description: String
}

/// A loop, and what is waited for on it.
protocol LoopBench: AnyObject {
    var loop: EventLoop { get }
    /// What may tell why something did not come.
    var circumstances: String { get }
    /// What an operation answers.
    func value<Value>(_ start: (@escaping RedisCompletion<Value>) -> Void) throws -> Value
}

extension LoopBench {
    var circumstances: String { "" }

    func turn(
        within limit: Duration = .seconds(20), _ what: String = "condition",
        until condition: () throws -> Bool
    ) throws {
        let deadline = loop.now + limit
        while try !condition() {
            guard loop.now < deadline else {
                throw Overdue(description: "\(what) took too long\(circumstances)")
            }
            loop.turn(waitingAtMost: .milliseconds(20))
        }
    }

    /// Starts an operation and turns the loop until it completes.
    func outcome<Value>(
        _ start: (@escaping RedisCompletion<Value>) -> Void
    ) throws -> Result<Value, RedisFailure> {
        let promise = Promise<Value>()
        start(promise.complete)
        #expect(promise.outcome == nil, "a completion ran inside the call")
        try turn("a completion") { promise.outcome != nil }
        return promise.outcome!
    }

    func value<Value>(_ start: (@escaping RedisCompletion<Value>) -> Void) throws -> Value {
        try outcome(start).get()
    }

    func failure<Value>(
        _ start: (@escaping RedisCompletion<Value>) -> Void
    ) throws -> RedisFailure? {
        if case .failure(let failure) = try outcome(start) { return failure }
        return nil
    }

    /// All of a partition's log, from its start.
    func log(_ queue: RedisQueue, _ number: Int) throws -> [LogEntry] {
        let read: [(PartitionNumber, [LogEntry])] = try value {
            queue.readLogs(
                [(PartitionNumber(rawValue: number), after: .zero)], count: 1_000,
                blockMilliseconds: 0, completion: $0)
        }
        return read.flatMap(\.1)
    }

    /// Routes one fan-out and answers its entry's id.
    func route(_ queue: RedisQueue, _ number: Int, _ fanout: Fanout) throws -> StreamID {
        try value { (completion: @escaping RedisCompletion<Void>) in
            queue.route([(PartitionNumber(rawValue: number), fanout)], completion: completion)
        }
        return try #require(try log(queue, number).last?.id)
    }
}

final class Bench: LoopBench {
    let server: RedisServer
    let loop = EventLoop()

    init(_ arguments: [String] = []) throws { server = try RedisServer(arguments) }

    /// A started queue whose three connections are ready.
    func queue(
        _ name: String = "w1", leaseTime: Duration = .seconds(15),
        patience: Duration = .seconds(10)
    ) throws -> RedisQueue {
        let queue = RedisQueue(
            loop: loop, endpoint: server.endpoint, incarnation: Incarnation(rawValue: name),
            leaseTime: leaseTime, patience: patience, random: { 0 })
        var isConnected = false
        queue.onStateChange = { connected, _ in isConnected = connected }
        queue.start()
        try turn { isConnected }
        queue.onStateChange = { _, _ in }
        return queue
    }

    /// What redis-cli would answer.
    @discardableResult
    func redis(_ words: String...) throws -> RedisReply { try server.client().command(words) }

    /// Takes and seals a partition's lease.
    func own(_ queue: RedisQueue, _ number: Int, epoch: Int64) throws -> OwnedLease {
        let lease = OwnedLease(
            partition: PartitionNumber(rawValue: number), epoch: Epoch(rawValue: epoch))
        #expect(try value { queue.takeLease(lease.partition, completion: $0) })
        #expect(try value { queue.sealLease(lease.partition, lease.epoch, completion: $0) })
        return lease
    }
}

/// The outcome of one operation; a second one is a failure of the test.
final class Promise<Value> {
    private(set) var outcome: Result<Value, RedisFailure>?

    func complete(_ outcome: Result<Value, RedisFailure>) {
        if self.outcome != nil { Issue.record("completed twice: \(outcome)") }
        self.outcome = outcome
    }
}

extension Fanout {
    static func sample(_ activity: Int64 = 7, inboxes: ClosedRange<Int32> = 1...3) -> Fanout {
        Fanout(
            activity: ActivityID(rawValue: activity), lane: .normal, again: false,
            inboxes: inboxes.map(InboxID.init(rawValue:)))
    }
}

func pointers(_ inboxes: ClosedRange<Int32>, activity: Int64 = 7) -> [DeliveryPointer] {
    inboxes.map {
        DeliveryPointer(
            activity: ActivityID(rawValue: activity), inbox: InboxID(rawValue: $0), attempts: 2)
    }
}
