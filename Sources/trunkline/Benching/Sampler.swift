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
        /// Looks that gave none, and why the last of them.
        var missed = 0
        var lastMiss = ""
    }

    private let site: BenchSite
    private let sink: (control: PlainHTTP, process: Int32)
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)
    /// What others run may be away for a moment: then that sample is missing, and not the rest.
    private var maySkip: Bool { site.services == .installation }

    init(_ site: BenchSite, _ sink: BenchSink) {
        self.site = site
        self.sink = (sink.control, sink.processID)
    }

    var samples: [Sample] { state.withLock(\.samples) }
    var failure: String? { state.withLock(\.failure) }

    /// What a reader should know of the samples.
    var remarks: [String] {
        let (missed, reason) = state.withLock { ($0.missed, $0.lastMiss) }
        return missed == 0
            ? [] : ["\(missed) of the looks once a second failed, the last one for: \(reason)"]
    }

    /// - Parameter start: second 0, by ``BenchClock``.
    func run(from start: Int64) {
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            var tick = start
            while !state.withLock({ $0.isStopped || $0.failure != nil }) {
                do {
                    try look(from: &tick, since: start)
                } catch {
                    let sentence = (error as? RedisFailure).map { "Redis: \($0.sentence)" }
                    note(miss: sentence ?? "\(error)")
                }
            }
            ended.signal()
        }
    }

    private func note(miss reason: String) {
        state.withLock { state in
            guard maySkip else { return state.failure = reason }
            state.missed += 1
            state.lastMiss = reason
        }
    }

    /// Once a second over one connection, until it is stopped or a look fails.
    private func look(from tick: inout Int64, since start: Int64) throws {
        BenchClock.sleep(until: tick)
        tick = max(tick, BenchClock.steadyMicroseconds) + 1_000_000
        let client = try RedisClient(endpoint: site.redis, keys: site.keys)
        while !state.withLock(\.isStopped) {
            let sample = try look(client, since: start)
            state.withLock { $0.samples.append(sample) }
            // A look that took longer than a second makes up for no others.
            BenchClock.sleep(until: tick)
            tick = max(tick + 1_000_000, BenchClock.steadyMicroseconds)
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
