/// A run's raw material, turned into its figures.
package struct Measurement: Sendable {
    package var plan: LoadPlan
    package var tally: Tally
    package var samples: [Sample]
    /// When the load began, since 1970: what intended times are added to.
    package var startMicroseconds: Int64
    /// Of each activity that was enqueued: how much later than intended, in microseconds.
    package var lateMicroseconds: [Int64]
    /// When the figures of CPU begin, in seconds of the load.
    package var cpuFrom: Sample
    package var cpuTo: Sample
    package var badSignatures: Int
    package var requests: Int
    /// Of the sink: requests that were in no pair.
    package var unaccounted: Int

    package init(
        plan: LoadPlan, tally: Tally, samples: [Sample], startMicroseconds: Int64,
        lateMicroseconds: [Int64], cpuFrom: Sample, cpuTo: Sample, badSignatures: Int,
        requests: Int, unaccounted: Int
    ) {
        (self.plan, self.tally, self.samples) = (plan, tally, samples)
        (self.startMicroseconds, self.lateMicroseconds) = (startMicroseconds, lateMicroseconds)
        (self.cpuFrom, self.cpuTo) = (cpuFrom, cpuTo)
        (self.badSignatures, self.requests) = (badSignatures, requests)
        self.unaccounted = unaccounted
    }

    private var warmUp: Double { plan.scenario.warmUpSeconds }

    /// Of an arrival, since the load began. The sink's clock cuts a millisecond off: it is added,
    /// so that no time is told shorter than it was.
    private func second(_ delivery: Tally.Delivery) -> Double {
        Double((delivery.milliseconds + 1) * 1_000 - startMicroseconds) / 1_000_000
    }

    package var verified: BenchResult.Verified {
        var complaints: [String] = []
        if tally.missing > 0 {
            complaints.append(
                "\(tally.missing) of \(plan.expectedDeliveries) deliveries are missing, the first: "
                    + tally.examplesOfMissing().joined(separator: ", "))
        }
        if tally.duplicates > 0 { complaints.append("\(tally.duplicates) came more than once") }
        if tally.strangers > 0 {
            complaints.append("\(tally.strangers) came that nobody had enqueued")
        }
        if badSignatures > 0 { complaints.append("\(badSignatures) signatures did not hold") }
        if unaccounted > 0 { complaints.append("\(unaccounted) requests were in no pair") }
        return BenchResult.Verified(
            expected: plan.expectedDeliveries, delivered: tally.deliveries.count,
            missing: tally.missing, duplicates: tally.duplicates, strangers: tally.strangers,
            badSignatures: badSignatures, requests: requests, complaints: complaints)
    }

    package var latency: [BenchResult.LaneTimes] {
        var times: [BenchLane: [Double]] = [:]
        for delivery in tally.deliveries {
            let intended = plan.activities[Int(delivery.number)].microseconds
            guard Double(intended) >= warmUp * 1_000_000 else { continue }
            let milliseconds = second(delivery) * 1_000 - Double(intended) / 1_000
            times[plan.lane(of: Int(delivery.number)), default: []].append(milliseconds)
        }
        return BenchLane.allCases.compactMap { lane in
            Percentiles(times[lane, default: []]).map { .init(lane: lane, milliseconds: $0) }
        }
    }

    package var lateness: Percentiles? {
        Percentiles(
            zip(plan.activities, lateMicroseconds)
                .filter { Double($0.0.microseconds) >= warmUp * 1_000_000 }
                .map { Double($0.1) / 1_000 })
    }

    package var throughput: BenchResult.Throughput {
        let scenario = plan.scenario
        let end = scenario.totalSeconds
        let offered = plan.activities.indices.filter {
            Double(plan.activities[$0].microseconds) >= warmUp * 1_000_000
        }
        let times = tally.deliveries.map(second)
        let last = plan.activities.last.map { Double($0.microseconds) / 1_000_000 } ?? end
        return BenchResult.Throughput(
            offeredActivitiesPerSecond: Double(offered.count) / scenario.durationSeconds,
            offeredDeliveriesPerSecond: Double(
                offered.reduce(0) { $0 + plan.expected(of: $1) }) / scenario.durationSeconds,
            deliveriesPerSecond: Double(times.count { $0 >= warmUp && $0 < end })
                / scenario.durationSeconds,
            drainSeconds: max((times.max() ?? last) - last, 0))
    }

    /// By second, as long as the load and the drain took.
    package var arrivals: [Int] {
        var counts: [Int] = []
        for delivery in tally.deliveries {
            let place = max(Int(second(delivery)), 0)
            while counts.count <= place { counts.append(0) }
            counts[place] += 1
        }
        return counts
    }

    package var cpuDeliveries: Int {
        let times = tally.deliveries.map(second)
        return times.count { $0 >= cpuFrom.second && $0 < cpuTo.second }
    }

    /// Of every kind, measured or not.
    package var cpu: [BenchResult.CPU] {
        used(ProcessKind.allCases.map(\.rawValue), from: cpuFrom.cpu, to: cpuTo.cpu)
    }

    /// The largest first; nil: nobody could be asked.
    package var stages: [BenchResult.CPU]? {
        guard !cpuTo.stages.isEmpty else { return nil }
        return used(Array(cpuTo.stages.keys), from: cpuFrom.stages, to: cpuTo.stages)
            .sorted { ($0.seconds ?? 0, $1.name) > ($1.seconds ?? 0, $0.name) }
    }

    /// Between two looks that both saw it.
    private func used(
        _ names: [String], from: [String: Double], to: [String: Double]
    ) -> [BenchResult.CPU] {
        let count = cpuDeliveries
        return names.map { name in
            let seconds = to[name].flatMap { end in from[name].map { max(end - $0, 0) } }
            return BenchResult.CPU(name: name, seconds: seconds, deliveries: count)
        }
    }

    package var memory: [BenchResult.ProcessMemory] {
        let names = Set(samples.flatMap(\.memory.keys)).sorted()
        return names.map { name in
            let values = samples.compactMap { $0.memory[name] }
            return BenchResult.ProcessMemory(
                name: name, peakBytes: values.max() ?? 0, lastBytes: values.last ?? 0)
        }
    }

    /// What a reader should know before believing a figure.
    package var notes: [String] {
        var notes: [String] = []
        if let late = lateness, late.p99 > 100 {
            notes.append(
                "the generator was late (p99 \(Figure.text(late.p99)) ms): the machine had no CPU "
                    + "for it; latencies count from the intended times all the same")
        }
        let through = throughput
        if through.deliveriesPerSecond < through.offeredDeliveriesPerSecond * 0.9 {
            notes.append(
                "more was offered than delivered: \(Figure.text(through.offeredDeliveriesPerSecond)) "
                    + "against \(Figure.text(through.deliveriesPerSecond)) a second, so latency "
                    + "grows with the duration; lower `rate` to measure latency")
        }
        return notes
    }
}
