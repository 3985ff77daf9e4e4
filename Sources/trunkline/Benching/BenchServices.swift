internal import Bench

/// Whose Redis, PostgreSQL and workers a run measures.
enum BenchServices {
    case own(BenchPool)
    case installation(Installation)

    /// What is asked for.
    enum Choice: Sendable {
        case own(workers: Int, flags: [String])
        case installation(InstallationOptions)
    }

    var site: BenchSite {
        switch self {
        case .own(let pool): pool.site
        case .installation(let installation): installation.site
        }
    }

    /// Beside other senders the entries of a run that has failed must end by themselves.
    var outlivesRun: Bool {
        switch self {
        case .own: false
        case .installation: true
        }
    }

    /// Whether the load can be delivered, before there is one.
    func probe(
        _ population: Population, _ sink: BenchSink, _ interruption: Interruption,
        into entries: inout EnqueuedEntries
    ) throws {
        switch self {
        case .own: break
        case .installation(let installation):
            try installation.probe(population, sink, interruption, into: &entries)
        }
    }

    /// - Throws: when a server of ours has ended.
    func checkRunning() throws(CommandFailure) {
        switch self {
        case .own(let pool): try pool.checkRunning()
        case .installation: break
        }
    }

    /// Whether nothing of the load is left to do.
    func isSettled(
        _ last: Sample, _ population: Population, _ entries: EnqueuedEntries
    ) throws -> Bool {
        switch self {
        case .own: last.logEntries + last.intakeEntries == 0
        // There others may have work.
        case .installation: try population.hasEnded(entries)
        }
    }

    /// What a reader should know beside the figures.
    func remarks() throws -> [String] {
        switch self {
        case .own: []
        case .installation(let installation): try installation.remarksAfterRun()
        }
    }

    /// Leaves everything as it was before.
    ///
    /// - Parameters:
    ///   - population: what may have been added; nil: nothing was.
    ///   - sink: it stays until this returns, for what is still owed.
    func end(
        _ population: Population?, _ entries: EnqueuedEntries, _ sink: BenchSink,
        _ interruption: Interruption
    ) {
        switch self {
        case .own(let pool): pool.stop()
        case .installation(let installation):
            if let population { installation.leave(population, entries, sink, interruption) }
        }
    }
}
