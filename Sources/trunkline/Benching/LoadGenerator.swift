internal import Bench
internal import DeliveryCore
internal import Glibc
internal import RedisQueue

/// Enqueues a plan at its times, whatever the pool does meanwhile: an open loop.
///
/// One connection; what is due together goes as one pipeline. Redis' answers are read before the
/// next one: should Redis stop, the generator is late, which is reported, and latencies count from
/// the intended times all the same.
struct LoadGenerator: Sendable {
    /// A pipeline's length, when the generator has to catch up.
    private static let most = 64
    /// Between two looks whether to stop.
    private static let longestSleep: Int64 = 100_000

    let plan: LoadPlan
    let redis: RedisEndpoint
    let keys: QueueKeys
    /// When an activity is no more worth sending, in seconds since 1970; nil: it always is.
    let expires: Int64?
    let interruption: Interruption

    /// Returns when everything is enqueued.
    ///
    /// - Parameters:
    ///   - start: when the load begins, by ``BenchClock``.
    ///   - entries: what is enqueued is appended, also when it ends early.
    /// - Returns: by how much each activity was late, in microseconds.
    func run(from start: Int64, into entries: inout EnqueuedEntries) throws -> [Int64] {
        entries.expires = expires
        let client = try RedisClient(endpoint: redis, keys: keys, timeout: .seconds(60))
        var late: [Int64] = []
        late.reserveCapacity(plan.activities.count)
        while late.count < plan.activities.count {
            try interruption.check()
            let now = BenchClock.steadyMicroseconds - start
            var due: [RedisCommand] = []
            while due.count < Self.most, late.count + due.count < plan.activities.count,
                plan.activities[late.count + due.count].microseconds <= now
            {
                due.append(command(late.count + due.count))
            }
            guard !due.isEmpty else {
                let next = plan.activities[late.count].microseconds
                BenchClock.sleep(until: start + min(next, now + Self.longestSleep))
                continue
            }
            let sent = BenchClock.steadyMicroseconds - start
            let first = late.count
            for _ in due { late.append(sent - plan.activities[late.count].microseconds) }
            // Of a pipeline some may be refused: what is in the lanes is known all the same.
            let outcomes = client.attempt(due)
            for (place, outcome) in outcomes.enumerated() {
                guard case .success(let reply) = outcome else { continue }
                let number = first + place
                entries.add(reply, in: plan.lane(of: number).lane, number: number)
            }
            for outcome in outcomes { _ = try outcome.get() }
        }
        return late
    }

    private func command(_ number: Int) -> RedisCommand {
        let planned = plan.activities[number]
        var command = RedisCommand("XADD", keys.intake(plan.lane(of: number).lane), "*", "activity")
        command.append(
            ActivityBody.bytes(
                plan.world.names, number: number, sender: planned.sender, count: planned.bodyBytes))
        command.append("key")
        command.append(plan.world.names.key(planned.sender))
        if let expires {
            command.append("expires")
            command.append(expires)
        }
        if plan.isToAudience(number) {
            command.append("audience")
            command.append(plan.world.names.audience)
        } else {
            command.append("to")
            let urls = plan.inboxes(of: number).map { "\"\(plan.world.url($0))\"" }
            command.append("[\(urls.joined(separator: ","))]")
        }
        return command
    }
}

extension BenchLane {
    var lane: Lane {
        switch self {
        case .urgent: .urgent
        case .normal: .normal
        case .bulk: .bulk
        }
    }
}

/// Microseconds, by two clocks.
enum BenchClock {
    /// For waiting: nobody sets it.
    static var steadyMicroseconds: Int64 { read(CLOCK_MONOTONIC) }
    /// Since 1970: what the sink's arrivals are told in.
    static var wallMicroseconds: Int64 { read(CLOCK_REALTIME) }

    static func sleep(until microseconds: Int64) {
        var time = timespec(
            tv_sec: Int(microseconds / 1_000_000), tv_nsec: Int(microseconds % 1_000_000) * 1_000)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
