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

    private let site: BenchSite
    private let sink: (control: PlainHTTP, process: Int32)
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ site: BenchSite, _ sink: BenchSink) {
        self.site = site
        self.sink = (sink.control, sink.processID)
    }

    var samples: [Sample] { state.withLock(\.samples) }
    var failure: String? { state.withLock(\.failure) }

    /// - Parameter start: second 0, by ``BenchClock``.
    func run(from start: Int64) {
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            do {
                let client = try RedisClient(endpoint: site.redis, keys: site.keys)
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
                let sentence = (error as? RedisFailure).map { "Redis: \($0.sentence)" }
                state.withLock { $0.failure = sentence ?? "\(error)" }
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
        try site.meters.read(into: &sample, sink: sink.process, client)
        sample.accepted = SinkAccount(report: try sink.control.get("/.sink/report"))?.accepted ?? 0
        (sample.intakeEntries, sample.logEntries) = try client.queueLengths(
            partitions: site.partitions)
        return sample
    }
}
