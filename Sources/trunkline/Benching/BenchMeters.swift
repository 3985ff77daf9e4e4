internal import Bench
internal import RedisQueue

/// Where the figures of CPU and memory come from.
enum BenchMeters: Sendable {
    /// All processes are below this one, which serves the workers' metrics.
    case pool(process: Int32, metrics: PlainHTTP)
    /// Others have started them. Redis tells what its servers use, PostgreSQL does not.
    ///
    /// - Parameters:
    ///   - workers: processes of this machine; nil: not all of them are.
    ///   - metrics: of every pool of the installation; empty: none was named.
    case installation(workers: [Int32]?, metrics: [MetricsPage])

    func read(
        into sample: inout Sample, sink: Int32, _ client: borrowing RedisClient
    ) throws {
        var use: ProcessUse
        switch self {
        case .pool(let process, let metrics):
            use = ProcessUse(pool: process, sink: sink)
            let page = MetricsPage(server: metrics)
            sample.stages = try page.read().stageSeconds
        case .installation(let workers, let metrics):
            use = ProcessUse(workers: workers ?? [], sink: sink)
            let redis = try client.use()
            use.add(.redis, cpuSeconds: redis.cpuSeconds, residentBytes: redis.residentBytes)
            for page in metrics {
                sample.stages.merge(try page.read().stageSeconds, uniquingKeysWith: +)
            }
            // Their own account of it, where they are out of sight.
            if workers == nil, !metrics.isEmpty {
                use.add(.worker, cpuSeconds: sample.stages.values.reduce(0, +))
            }
        }
        (sample.cpu, sample.memory) = (use.cpu, use.memory)
    }
}
