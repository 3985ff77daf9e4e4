extension BenchResult {
    /// - Parameter remarks: what a reader should know beside what the figures themselves tell.
    package init(
        _ measurement: Measurement, services: Services, workers: Int, date: String,
        machine: Machine, commit: String?, versions: [String: String], remarks: [String]
    ) {
        let scenario = measurement.plan.scenario
        self.scenario = scenario.name
        seed = scenario.seed
        definition = scenario.definition
        self.services = services
        self.workers = workers
        self.date = date
        self.machine = machine
        self.commit = commit
        self.versions = versions
        verified = measurement.verified
        throughput = measurement.throughput
        latency = measurement.latency
        lateness = measurement.lateness
        cpuDeliveries = measurement.cpuDeliveries
        cpu = measurement.cpu
        memory = measurement.memory
        arrivals = measurement.arrivals
        samples = measurement.samples
        notes = measurement.notes + remarks
        stages = measurement.stages
    }
}
