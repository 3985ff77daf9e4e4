import Foundation
import RedisQueue
import Synchronization

/// A main server that never rests: a thread of its own enqueues activity after activity with XADD.
///
/// It goes on as far as the pretend fediverse keeps up: there is a limit to what is owed at any time. What Redis does not answer, or refuses, is enqueued again until it is acknowledged;
/// so what is owed are the numbers from the first to the last one, without a gap.
final class Producer: Sendable {
    private static let batch = 16

    private let plan: LoadPlan
    private let first: Int
    private let window: Int
    private let state: Mutex<State>

    private struct State {
        var acknowledged: Int
        var owed = 0
        var isStopped = false
        var hasEnded = false
        var refusals = 0
    }

    /// - Parameters:
    ///   - window: most deliveries that are owed; a large activity may exceed it.
    ///   - taken: how many different deliveries of this load were taken so far.
    init(
        _ plan: LoadPlan, from first: Int, window: Int, redis url: String,
        taken: @escaping @Sendable () throws -> Int
    ) {
        self.plan = plan
        self.first = first
        self.window = window
        state = Mutex(State(acknowledged: first))
        let thread = Thread { [self] in
            while !isStopped { oneConnection(url, taken) }
            state.withLock { $0.hasEnded = true }
        }
        thread.name = "producer"
        thread.start()
    }

    /// Numbers that Redis has acknowledged.
    var acknowledged: Range<Int> { first..<state.withLock(\.acknowledged) }
    var owed: Int { state.withLock(\.owed) }
    /// How often Redis refused, or was away.
    var refusals: Int { state.withLock(\.refusals) }

    /// Returns when nothing more is enqueued; what was begun is acknowledged, as long as there is a
    /// Redis that does.
    func stop() throws {
        state.withLock { $0.isStopped = true }
        try Poll.until("the producer has ended", within: .seconds(30)) {
            state.withLock(\.hasEnded)
        }
    }

    private var isStopped: Bool { state.withLock(\.isStopped) }

    /// Until it breaks, or all is done.
    private func oneConnection(_ url: String, _ taken: () throws -> Int) {
        do {
            let client = try RedisClient(endpoint: RedisEndpoint(url))
            var room = 0
            while !isStopped {
                if room <= 0 { room = window - owed + (try taken()) }
                guard room > 0 else {
                    poll(nil, 0, 20)
                    continue
                }
                let next = state.withLock(\.acknowledged)
                let numbers = next..<(next + Self.batch)
                try client.perform(numbers.map(command))
                let count = plan.owed(by: numbers)
                room -= count
                state.withLock {
                    $0.acknowledged = numbers.upperBound
                    $0.owed += count
                }
            }
        } catch {
            state.withLock { $0.refusals += 1 }
            poll(nil, 0, 50)
        }
    }

    private func command(_ number: Int) -> RedisCommand {
        var command = RedisCommand("XADD", "trunkline:{intake}:\(plan.lane(of: number))", "*")
        for (name, value) in plan.entry(number) {
            command.append(name)
            command.append(value)
        }
        return command
    }
}
