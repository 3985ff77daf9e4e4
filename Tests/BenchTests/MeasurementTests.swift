import Bench
import Testing

@Suite struct MeasurementTests {
    /// Every delivery of the example plan, each so many milliseconds after it was meant to go.
    private func measurement(
        delay: Int64 = 40, leavingOut left: Int = 0, late: Int64 = 0
    ) throws -> Measurement {
        let plan = try Example.plan()
        let start: Int64 = 1_700_000_000_000_000
        var tally = Tally(plan)
        for number in plan.activities.indices.dropLast(left) {
            let intended = start + plan.activities[number].microseconds
            for inbox in plan.inboxes(of: number) {
                let text = """
                    {"accepted":1,"activity":"\(LoadNames.alone.id(number))","inbox":\
                    "\(plan.world.url(inbox))","lastMilliseconds":\(intended / 1_000 + delay),\
                    "requests":1}
                    """
                tally.add(try #require(PairLine(text.utf8)))
            }
        }
        var (from, to) = (Sample(second: 2), Sample(second: 30))
        from.cpu = ["worker": 1, "redis": 0.5, "sink": 0]
        to.cpu = ["worker": 3, "redis": 0.75, "sink": 1]
        from.stages = ["sign": 1, "poll": 0, "settle": 0]
        to.stages = ["sign": 2, "poll": 0.25, "settle": 0.5]
        (from.memory, to.memory) = (["worker 1": 9], ["worker 1": 5, "sink": 2])
        return Measurement(
            plan: plan, tally: tally, samples: [from, to], startMicroseconds: start,
            lateMicroseconds: plan.activities.map { _ in late }, cpuFrom: from, cpuTo: to,
            badSignatures: 0, requests: tally.deliveries.count, unaccounted: 0)
    }

    @Test func `latency counts from the intended time, by lane, the warm-up left out`() throws {
        let measured = try measurement()
        #expect(measured.latency.map(\.lane) == [.urgent, .normal, .bulk])
        for lane in measured.latency {
            // Both clocks cut off what is below a millisecond; it is never told too short.
            #expect((40...41).contains(lane.milliseconds.p50), "\(lane)")
            #expect((40...41).contains(lane.milliseconds.max))
        }
        let plan = measured.plan
        let judged = plan.activities.indices.filter {
            plan.activities[$0].microseconds >= 2_000_000
        }
        let count = judged.reduce(0) { $0 + plan.expected(of: $1) }
        #expect(measured.latency.map(\.milliseconds.count).reduce(0, +) == count)
        #expect(measured.throughput.offeredDeliveriesPerSecond == Double(count) / 8)
        #expect(measured.throughput.offeredActivitiesPerSecond == Double(judged.count) / 8)
    }

    @Test func `a pool that holds up the load cannot hide it`() throws {
        // Enqueued 300 ms late, delivered at once: what counts is when it should have gone.
        let measured = try measurement(delay: 300, late: 300_000)
        #expect(measured.latency.allSatisfy { $0.milliseconds.p50 >= 300 })
        #expect(measured.lateness?.p50 == 300)
        #expect(measured.notes.contains { $0.contains("the generator was late (p99 300 ms)") })
    }

    @Test func `arrivals in the window are the throughput, and the rest is the drain`() throws {
        let measured = try measurement(delay: 1_500)
        let all = measured.arrivals
        #expect(all.reduce(0, +) == measured.tally.deliveries.count)
        #expect(all.count == 12)
        let window = all[2..<10].reduce(0, +)
        #expect(measured.throughput.deliveriesPerSecond == Double(window) / 8)
        #expect(abs(measured.throughput.drainSeconds - 1.5) < 0.01)
    }

    @Test func `CPU is what was used between two looks, for what came between them`() throws {
        let measured = try measurement()
        let count = Double(measured.cpuDeliveries)
        #expect(count > 0 && count < Double(measured.tally.deliveries.count))
        #expect(measured.cpu.map(\.name) == ProcessKind.allCases.map(\.rawValue))
        #expect(measured.cpu.map(\.seconds) == [2, nil, 0.25, nil, 1, nil])
        #expect(measured.cpu[0].microsecondsPerDelivery == 2 / count * 1e6)
        #expect(measured.cpu[1].microsecondsPerDelivery == nil)
        #expect(measured.stages?.map(\.name) == ["sign", "settle", "poll"])
        #expect(measured.memory.map(\.name) == ["sink", "worker 1"])
        #expect(measured.memory.map(\.peakBytes) == [2, 9])
    }

    @Test func `what only one of two looks saw is not measured`() throws {
        var measured = try measurement()
        measured.cpuTo.cpu["worker"] = nil
        (measured.cpuFrom.stages, measured.cpuTo.stages) = ([:], [:])
        #expect(measured.cpu[0].seconds == nil)
        #expect(measured.stages == nil)
    }

    @Test func `what is not there fails the run, and is named`() throws {
        #expect(try measurement().verified.complaints.isEmpty)
        let verified = try measurement(leavingOut: 1).verified
        #expect(verified.missing > 0)
        #expect(verified.delivered + verified.missing == verified.expected)
        #expect(verified.complaints.count == 1)
        #expect(verified.complaints[0].contains("are missing, the first: https://"))
        var measured = try measurement()
        (measured.badSignatures, measured.unaccounted) = (2, 1)
        #expect(measured.verified.complaints.count == 2)
    }

    @Test func `percentiles are times that were measured, by nearest rank`() throws {
        let some = try #require(Percentiles((1...1_000).map(Double.init).shuffled()))
        #expect(some.values == [500, 900, 990, 999, 1_000])
        let one = try #require(Percentiles([7]))
        #expect(one.values == [7, 7, 7, 7, 7] && one.count == 1)
        let two = try #require(Percentiles([2, 1]))
        #expect(two.values == [1, 2, 2, 2, 2])
        #expect(Percentiles([]) == nil)
    }

    @Test func `a process is read whatever its name`() throws {
        let text = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 50 60 11 22 20 0 1 0 5 6 7"
        let status = try #require(ProcessStatus(stat: text))
        #expect(status == ProcessStatus(stat: text))
        #expect((status.name, status.parent, status.ticksOfTheDead) == ("a) b (c", 7, 33))
        #expect(ProcessStatus(stat: "42 (a") == nil)
        let parents: [Int32: Int32] = [2: 1, 3: 2, 4: 2, 5: 3, 9: 8]
        #expect(ProcessTree.below(2, parents: parents).sorted() == [3, 4, 5])
    }

    @Test func `stages and workers are read out of the metrics`() {
        let metrics = MetricsText(
            """
            # TYPE trunkline_cpu_seconds_total counter
            trunkline_cpu_seconds_total{stage="sign"} 12.5
            trunkline_cpu_seconds_total{stage="poll"} 0.25
            trunkline_workers{state="starting"} 1
            trunkline_workers{state="ready"} 2
            """)
        #expect(metrics.stageSeconds == ["sign": 12.5, "poll": 0.25])
        #expect(metrics.readyWorkers == 2)
        #expect(MetricsText("node_load1 0.5").readyWorkers == nil)
    }
}

extension MeasurementTests {
    /// For the tests of what is printed.
    static func result() throws -> BenchResult {
        BenchResult(
            try MeasurementTests().measurement(), services: .embedded, workers: 2,
            date: "2026-11-22T01:00:00Z",
            machine: .init(
                processor: "A <fast> one", processors: 2, memoryBytes: 24_000_000_000,
                system: "Debian", kernel: "6.1"),
            commit: "abc1234", versions: ["Redis": "7.0.15"], remarks: [])
    }

    /// Of somebody's workers, of which nobody knows what they used.
    static func resultOfInstallation() throws -> BenchResult {
        var measured = try MeasurementTests().measurement()
        for look in [\Measurement.cpuFrom, \Measurement.cpuTo] {
            measured[keyPath: look].cpu = ["redis": measured[keyPath: look].cpu["redis"] ?? 0]
            measured[keyPath: look].stages = [:]
            measured[keyPath: look].memory = [:]
        }
        measured.samples = [measured.cpuFrom, measured.cpuTo]
        let known = try result()
        return BenchResult(
            measured, services: .installation, workers: 3, date: known.date,
            machine: known.machine, commit: nil, versions: known.versions,
            remarks: ["nobody could be asked"])
    }
}
