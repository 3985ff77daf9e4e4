extension BenchResult {
    package init(
        _ measurement: Measurement, workers: Int, date: String, machine: Machine, commit: String?,
        versions: [String: String]
    ) {
        let scenario = measurement.plan.scenario
        self.scenario = scenario.name
        seed = scenario.seed
        definition = scenario.definition
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
        stages = measurement.stages
        memory = measurement.memory
        arrivals = measurement.arrivals
        samples = measurement.samples
        notes = measurement.notes
    }
}
