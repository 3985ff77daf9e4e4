import Glibc

extension Fault {
    /// No fault at all: what a process delivers when it is one of two, against one alone.
    ///
    /// On a small machine the pretend fediverse takes as much of the processors as the workers do; so
    /// deliveries are counted for each second of processor time that workers have had. Needs a
    /// machine that does nothing else.
    static let scaleThroughput = Fault(
        name: "scale-throughput", what: "1 to 2 processes: work for their time",
        setting: Setting(workers: 1, slots: 1_000, rules: ""),
        bound: { _ in 0 }
    ) { trial in
        let length: Duration = trial.isShort ? .seconds(5) : .seconds(30)
        try trial.awaitDeliveries(5_000)
        let one = try trial.throughput(over: length)
        try trial.startPool()
        try trial.awaitBalance()
        try trial.awaitDeliveries(5_000)
        let two = try trial.throughput(over: length)
        let change = two.perProcessorSecond / one.perProcessorSecond - 1
        trial.remarks.append("one: \(one); two: \(two); change \(Int((change * 100).rounded())) %")
        trial.expect(change > -0.1, "each does \(Int((-change * 100).rounded())) % less")
        trial.struck(at: wallMilliseconds())
    }
}

private struct Throughput: CustomStringConvertible {
    var perSecond: Double
    var perProcessorSecond: Double

    var description: String {
        "\(Int(perSecond))/s, \(Int(perProcessorSecond)) for each second of processor time"
    }
}

extension Trial {
    fileprivate func throughput(over length: Duration) throws -> Throughput {
        let (before, start, used) = (try taken(), ContinuousClock.now, try processorSeconds())
        try last(length)
        let count = Double(try taken() - before)
        return Throughput(
            perSecond: count / ((.now - start) / .seconds(1)),
            perProcessorSecond: count / (try processorSeconds() - used))
    }

    /// Of all workers, since their start.
    private func processorSeconds() throws -> Double {
        let ticks = try pools.flatMap { try $0.workers().values }.reduce(0) { sum, pid in
            // The fields after the name in brackets; the 12th and 13th are user and system time.
            let fields = contents(of: "/proc/\(pid)/stat").split(separator: ")").last?
                .split(separator: " ")
            return sum + (fields.map { (Int($0[11]) ?? 0) + (Int($0[12]) ?? 0) } ?? 0)
        }
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
