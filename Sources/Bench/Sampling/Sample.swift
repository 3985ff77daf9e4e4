/// The kinds of processes that a run consists of.
package enum ProcessKind: String, CaseIterable, Codable, Sendable {
    case worker, supervisor, redis, postgres, sink, bench
}

/// One look at everything, once a second.
package struct Sample: Codable, Equatable, Sendable {
    /// Since the load began; below zero: before.
    package var second: Double
    /// Deliveries that the sink has taken so far.
    package var accepted: Int
    /// Entries in the partitions' logs, and activities in the lanes.
    package var logEntries: Int
    package var intakeEntries: Int
    /// Seconds of CPU so far by kind, under the kind's name; what has ended included. A kind that
    /// is not here could not be measured.
    package var cpu: [String: Double]
    /// Seconds of the workers' CPU so far by stage; empty: it was not asked for.
    package var stages: [String: Double]
    /// Bytes of resident memory of each process, under names such as `worker 1`. PostgreSQL's
    /// processes are one, each with what it shares with the others counted once more.
    package var memory: [String: Int]

    package init(second: Double) {
        self.second = second
        (accepted, logEntries, intakeEntries) = (0, 0, 0)
        (cpu, stages, memory) = ([:], [:], [:])
    }
}
