import DeliveryCore
import Telemetry
import Testing

@Suite struct MetricsTests {
    @Test func `what is counted is what is read, and nothing else moves`() {
        var metrics = Metrics()
        metrics.increment(.deliveries(.urgent, .expired), by: 3)
        metrics.increment(.deliveries(.urgent, .expired))
        #expect(metrics[.deliveries(.urgent, .expired)] == 4)
        #expect(metrics.words.filter { $0 != 0 } == [4])
    }

    @Test func `every series has a word of its own`() {
        var metrics = Metrics()
        for counter in Self.counters { metrics.increment(counter) }
        for gauge in Self.gauges { metrics.set(gauge, to: 1) }
        let histograms =
            Lane.allCases.map { Histogram.enqueueToDelivered($0) }
            + [.httpDuration, .flushDuration, .flushRows]
        for histogram in histograms { metrics.observe(histogram, count: 1) }
        // One word each, and two of each histogram: the bucket and the sum.
        #expect(metrics.words.allSatisfy { $0 <= 1 }, "two series share a word")
        #expect(
            metrics.words.filter { $0 == 1 }.count
                == Self.counters.count + Self.gauges.count + 2 * histograms.count)
    }

    @Test func `every word of a counter or gauge family can be recorded`() {
        let series = PrometheusText.render(Metrics()).split(separator: "\n")
            .filter { !$0.hasPrefix("#") && !$0.contains("_seconds_") && !$0.contains("_rows") }
        #expect(
            series.count + CPUStage.allCases.count == Self.counters.count + Self.gauges.count)
    }

    @Test func `an unknown rejection counts as other`() {
        #expect(Counter.intakeRejected(code: "no-such-code") == .intakeRejected(code: "other"))
        #expect(Counter.intakeRejected(code: "not-json") != .intakeRejected(code: "other"))
    }

    @Test(arguments: [
        (
            Exchange.failed(.nameNotFound, detail: ""), Verdict.Item.hold,
            AttemptClass.transport(.nameNotFound)
        ),
        (.answered(Answer(status: 202)), .delivered, .delivered),
        (.answered(Answer(status: 503)), .hold, .hold),
        (.answered(Answer(status: 401)), .knockAgain, .knockAgain),
        (.answered(Answer(status: 500)), .retry(after: .seconds(1)), .retry),
        (.answered(Answer(status: 410)), .failed, .failed),
    ])
    func `an attempt counts by its failure, or else by its verdict`(
        exchange: Exchange, item: Verdict.Item, expected: AttemptClass
    ) {
        let verdict = Verdict(item: item, host: .alive, reason: "")
        #expect(AttemptClass(exchange, verdict) == expected)
    }

    @Test func `workers add up, the dead count on, gauges do not`() {
        let workers = [0, 1].map { index in
            var worker = Metrics()
            worker.increment(.fenced, by: 10 + index)
            worker.set(.inFlight, to: 5 + index)
            worker.set(.laneLength(.bulk), to: 100 + index)
            worker.set(.redisUp, to: 1 - index)
            worker.observe(.flushRows, count: 10)
            worker.set(.workers(.ready), to: 77)
            return worker
        }
        var (ended, supervisor) = (Metrics(), Metrics())
        ended.add(endedWorker: workers[0])
        ended.add(endedWorker: workers[0])
        supervisor.increment(.fenced)
        supervisor.set(.workers(.ready), to: 2)

        let total = Metrics.total(workers: workers, supervisor: supervisor, ended: ended)
        #expect(total[.fenced] == 10 + 11 + 20 + 1)
        #expect(total[.inFlight] == 11)
        #expect(total[.laneLength(.bulk)] == 101)
        #expect(total[.redisUp] == 0)
        #expect(total[.workers(.ready)] == 2)
        #expect(total.count(of: .flushRows) == 4)
        let first = Metrics.total(workers: [workers[0]], supervisor: supervisor, ended: ended)
        #expect(first[.redisUp] == 1, "neither the dead nor the supervisor have a say")
    }

    static let counters: [Counter] =
        Lane.allCases.flatMap { lane in
            [.intakeRead(lane), .intakeExpanded(lane), .intakeForNobody(lane), .routed(lane)]
                + DeliveryEnd.allCases.map { .deliveries(lane, $0) }
        }
        + [
            "unknown-field", "duplicate-field", "missing-field", "conflicting-fields",
            "invalid-field", "not-utf8", "too-large", "not-json", "too-deep", "wrong-kind",
            "unknown-member", "duplicate-member", "missing-member", "invalid-member",
            "private-addressing", "no-recipients", "too-many-recipients", "no-usable-recipient",
            "refused-by-postgresql", "quarantined", "other",
        ].map { .intakeRejected(code: $0) }
        + AttemptClass.allCases.map { .attempts($0) }
        + SigningAlgorithm.allCases.flatMap {
            [.signatures($0, .draftCavage), .signatures($0, .messageSignatures)]
        }
        + ConnectionUse.allCases.map { .connections($0) }
        + LookupResult.allCases.map { .lookups($0) }
        + MessageLevel.allCases.map { .logMessages($0) }
        + WorkerDeath.allCases.map { .workerDeaths($0) }
        + QuarantinedKind.allCases.map { .quarantined($0) }
        + CPUStage.allCases.map { .cpu($0) }
        + [
            .batchedSignatures, .signatureBatches, .multiplexedExchanges, .duplicatesSuppressed,
            .staleEvents, .fenced,
            .leasesLost, .partitionsRebuilt,
            .deliveriesRebuilt, .deliveriesRecovered,
        ]

    static let gauges: [Gauge] =
        [
            .inFlight, .openDeliveries, .unsettled, .ownedPartitions, .held, .later, .redisUp,
            .postgresUp, .networkAway, .multiBufferSigner, .idleConnections, .idleConnectionBytes,
        ]
        + Lane.intake.map { .laneLength($0) } + WorkerState.allCases.map { .workers($0) }
}
