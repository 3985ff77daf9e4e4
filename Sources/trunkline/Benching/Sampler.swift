internal import Bench
internal import DeliveryCore
internal import Dispatch
internal import RedisQueue
internal import Synchronization

/// Looks at everything once a second, on a thread of its own, from the beginning of the load until
/// it is told to stop.
final class Sampler: Sendable {
    private struct State {
        var samples: [Sample] = []
        var isStopped = false
        /// Why there are no more.
        var failure: String?
    }

    private let sink: LocalHTTP
    private let admin: LocalHTTP
    private let processes: (pool: Int32, sink: Int32)
    private let redis: RedisEndpoint
    private let keys: QueueKeys
    private let partitions: Int
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    init(
        sink: LocalHTTP, admin: LocalHTTP, processes: (pool: Int32, sink: Int32),
        redis: RedisEndpoint, keys: QueueKeys, partitions: Int
    ) {
        (self.sink, self.admin, self.processes) = (sink, admin, processes)
        (self.redis, self.keys, self.partitions) = (redis, keys, partitions)
    }

    var samples: [Sample] { state.withLock(\.samples) }
    var failure: String? { state.withLock(\.failure) }

    /// - Parameter start: second 0, by ``BenchClock``.
    func run(from start: Int64) {
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            do {
                let client = try RedisClient(endpoint: redis, keys: keys)
                var tick = start
                while !state.withLock(\.isStopped) {
                    BenchClock.sleep(until: tick)
                    tick += 1_000_000
                    let sample = try look(client, since: start)
                    state.withLock { $0.samples.append(sample) }
                    // A look that took longer than a second makes up for no others.
                    tick = max(tick, BenchClock.steadyMicroseconds)
                }
            } catch {
                state.withLock { $0.failure = "\(error)" }
            }
            ended.signal()
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        ended.wait()
    }

    private func look(_ client: borrowing RedisClient, since start: Int64) throws -> Sample {
        var sample = Sample(second: Double(BenchClock.steadyMicroseconds - start) / 1_000_000)
        let use = ProcessUse(pool: processes.pool, sink: processes.sink)
        (sample.cpu, sample.memory) = (use.cpu, use.memory)
        sample.stages = StageSeconds.read(
            String(decoding: try admin.get("/metrics"), as: UTF8.self))
        sample.accepted = SinkAccount(report: try sink.get("/.sink/report"))?.accepted ?? 0
        var questions = Lane.intake.map { RedisCommand("XLEN", keys.intake($0)) }
        for number in 0..<partitions {
            questions.append(RedisCommand("XLEN", keys.log(PartitionNumber(rawValue: number))))
        }
        let lengths = try client.perform(questions).map { Int($0.integer ?? 0) }
        sample.intakeEntries = lengths.prefix(Lane.intake.count).reduce(0, +)
        sample.logEntries = lengths.dropFirst(Lane.intake.count).reduce(0, +)
        return sample
    }
}
