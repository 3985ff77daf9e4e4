/// The catalogue: every metric there is, each a family of series of one name.
///
/// Names and label values are a contract with dashboards and alerts; the layout in memory follows
/// from the order here and may change with any version (the scoreboard's header tells).

internal import DeliveryCore

package enum Family: Int, CaseIterable, Sendable {
    case intakeRead, intakeExpanded, intakeForNobody, intakeRejected, routed
    case deliveries, attempts, duplicatesSuppressed
    case signatures, batchedSignatures, signatureBatches, connections, multiplexedExchanges,
        lookups
    case staleEvents, fenced, leasesLost, partitionsRebuilt, deliveriesRebuilt,
        deliveriesRecovered, logMessages, workerDeaths, quarantined, cpu
    case inFlight, openDeliveries, unsettled, ownedPartitions, held, later, laneLength
    case idleConnections, idleConnectionBytes
    case redisUp, postgresUp, networkAway, multiBufferSigner, workers
    case enqueueToDelivered, httpDuration, flushDuration, flushRows

    package struct Definition: Sendable {
        package let name: String
        package let kind: Kind
        package let labels: [Label]
        package let help: String

        init(_ name: String, _ kind: Kind, _ help: String) {
            self.init(name, kind, [], help)
        }

        init(_ name: String, _ kind: Kind, _ labels: [Label], _ help: String) {
            self.name = "trunkline_" + name
            self.kind = kind
            self.labels = labels
            self.help = help
        }
    }

    package enum Kind: Equatable, Sendable {
        /// Added up over workers, living and dead.
        case counter
        /// The same, of nanoseconds; shown in seconds.
        case secondsCounter
        case gauge(Combination)
        /// Added up over workers, living and dead.
        case histogram(HistogramShape)
    }

    /// What the workers' values of one gauge make together.
    package enum Combination: Equatable, Sendable {
        /// Each worker has its own part.
        case sum
        /// All look at the same thing; the largest value is the latest or the worst.
        case largest
        /// True of all of them only if it is true of each.
        case smallest
        /// The supervisor's own; workers leave it at 0.
        case supervisor
    }

    /// A dimension with every value that it can take.
    package struct Label: Sendable {
        package let name: String
        package let values: [String]
    }

    /// Built once: `definition` is only for rendering and layout, never for recording.
    package static let definitions: [Definition] = allCases.map(\.definition)

    var definition: Definition {
        switch self {
        case .intakeRead:
            Definition(
                "intake_read_total", .counter, [.lane],
                "Intake entries read from Redis, with those that were read again.")
        case .intakeExpanded:
            Definition(
                "intake_expanded_total", .counter, [.lane],
                "Intake entries whose activity and audience are stored in PostgreSQL.")
        case .intakeForNobody:
            Definition(
                "intake_for_nobody_total", .counter, [.lane],
                "Of these, entries with nothing to send: no recipient elsewhere, or all gone.")
        case .intakeRejected:
            Definition(
                "intake_rejected_total", .counter,
                [Label(name: "code", values: RejectionIndex.codes)],
                "Intake entries set aside as malformed, by the reason's code.")
        case .routed:
            Definition(
                "routed_total", .counter, [.lane],
                "Deliveries written to a partition's log, with those that were routed again.")
        case .deliveries:
            Definition(
                "deliveries_total", .counter,
                [.lane, Label(name: "state", values: DeliveryEnd.allCases.map(\.rawValue))],
                "Deliveries whose end is committed in PostgreSQL.")
        case .attempts:
            Definition(
                "attempts_total", .counter,
                [Label(name: "class", values: AttemptClass.allCases.map(\.name))],
                "HTTP exchanges: by verdict where there was an answer, else by what went wrong.")
        case .duplicatesSuppressed:
            Definition(
                "duplicates_suppressed_total", .counter,
                "Deliveries not sent again because PostgreSQL had their end on record.")
        case .signatures:
            Definition(
                "signatures_total", .counter,
                [
                    Label(name: "algorithm", values: SigningAlgorithm.allCases.map(\.rawValue)),
                    Label(name: "profile", values: ["draft-cavage", "rfc9421"]),
                ], "Requests signed.")
        case .batchedSignatures:
            Definition(
                "batched_signatures_total", .counter,
                "Of these, RSA signatures made several at a time by crypto_mb.")
        case .signatureBatches:
            Definition(
                "signature_batches_total", .counter, "Calls of crypto_mb that made them.")
        case .connections:
            Definition(
                "connections_total", .counter,
                [Label(name: "use", values: ConnectionUse.allCases.map(\.rawValue))],
                "Exchanges by the connection that they went over.")
        case .multiplexedExchanges:
            Definition(
                "multiplexed_exchanges_total", .counter,
                "Of these, exchanges over a connection of HTTP/2, beside others.")
        case .lookups:
            Definition(
                "lookups_total", .counter,
                [Label(name: "result", values: LookupResult.allCases.map(\.rawValue))],
                "Names of hosts resolved.")
        case .staleEvents:
            Definition(
                "stale_events_total", .counter,
                "Late answers that belonged to something no longer under way.")
        case .fenced:
            Definition(
                "fenced_total", .counter,
                "Writes refused because the partition had been taken over.")
        case .leasesLost:
            Definition(
                "leases_lost_total", .counter, "Partitions lost without having been given back.")
        case .partitionsRebuilt:
            Definition(
                "partitions_rebuilt_total", .counter,
                "Partitions of which Redis had lost something, brought back from PostgreSQL.")
        case .deliveriesRebuilt:
            Definition(
                "deliveries_rebuilt_total", .counter,
                "Deliveries brought back into Redis; some may have been there all the same.")
        case .deliveriesRecovered:
            Definition(
                "deliveries_recovered_total", .counter,
                "Deliveries that were owed and stood nowhere in Redis, given back to it: 0 in health."
            )
        case .logMessages:
            Definition(
                "log_messages_total", .counter,
                [Label(name: "level", values: MessageLevel.allCases.map(\.rawValue))],
                "Lines logged.")
        case .workerDeaths:
            Definition(
                "worker_deaths_total", .counter,
                [Label(name: "cause", values: WorkerDeath.allCases.map(\.rawValue))],
                "Workers that ended without having been asked to, each followed by a restart.")
        case .quarantined:
            Definition(
                "quarantined_total", .counter,
                [Label(name: "kind", values: QuarantinedKind.allCases.map(\.rawValue))],
                "Set aside because workers crashed with them in hand, as this supervisor saw it.")
        case .cpu:
            Definition(
                "cpu_seconds_total", .secondsCounter,
                [Label(name: "stage", values: CPUStage.allCases.map(\.rawValue))],
                "CPU time of the workers, by what it went into.")
        case .inFlight, .openDeliveries, .unsettled, .ownedPartitions, .held, .later, .laneLength,
            .idleConnections, .idleConnectionBytes,
            .redisUp, .postgresUp, .networkAway, .multiBufferSigner, .workers, .enqueueToDelivered,
            .httpDuration,
            .flushDuration,
            .flushRows:
            gaugeOrHistogram
        }
    }

    private var gaugeOrHistogram: Definition {
        switch self {
        case .inFlight:
            Definition("in_flight", .gauge(.sum), "HTTP exchanges under way.")
        case .openDeliveries:
            Definition(
                "open_deliveries", .gauge(.sum), "Deliveries read from a log and not settled.")
        case .unsettled:
            Definition(
                "unsettled_results", .gauge(.sum), "Results that PostgreSQL has not committed.")
        case .ownedPartitions:
            Definition("owned_partitions", .gauge(.sum), "Partitions under a valid lease.")
        case .held:
            Definition("held_deliveries", .gauge(.sum), "Deliveries that wait for their host.")
        case .later:
            Definition("later_deliveries", .gauge(.sum), "Deliveries that wait on their own.")
        case .laneLength:
            Definition(
                "lane_length", .gauge(.largest), [.intakeLane],
                "Intake entries not yet expanded, at the last look.")
        case .idleConnections:
            Definition(
                "idle_connections", .gauge(.sum), "HTTP connections open that nothing uses now.")
        case .idleConnectionBytes:
            Definition(
                "idle_connection_bytes", .gauge(.sum),
                "What they are reckoned to take of --connection-memory.")
        case .redisUp:
            Definition("redis_up", .gauge(.smallest), "1 when every worker reaches Redis.")
        case .postgresUp:
            Definition(
                "postgres_up", .gauge(.smallest), "1 when every worker reaches PostgreSQL.")
        case .networkAway:
            Definition(
                "network_away", .gauge(.largest),
                "1 while a worker takes the silence of most hosts for an outage of our own.")
        case .multiBufferSigner:
            Definition(
                "multi_buffer_signer", .gauge(.smallest),
                "1 when every worker signs RSA eight at a time, by crypto_mb.")
        case .workers:
            Definition(
                "workers", .gauge(.supervisor),
                [Label(name: "state", values: WorkerState.allCases.map(\.name))],
                "Worker processes by state.")
        case .enqueueToDelivered:
            Definition(
                "enqueue_to_delivered_seconds",
                // 1 ms to 3.3 days, the retry budget.
                .histogram(.seconds(from: 20, to: 48, steps: 2)), [.lane],
                "From an activity's intake to a delivery of it, by lane.")
        case .httpDuration:
            Definition(
                // 0.13 ms to 69 s.
                "http_seconds", .histogram(.seconds(from: 17, to: 36, steps: 4)),
                "HTTP exchanges that were answered.")
        case .flushDuration:
            Definition(
                "flush_seconds", .histogram(.seconds(from: 17, to: 36, steps: 2)),
                "PostgreSQL transactions that settle results.")
        case .flushRows:
            Definition(
                "flush_rows", .histogram(.count(from: 1, to: 14, steps: 2)),
                "Results in one such transaction.")
        default: preconditionFailure("\(self) is a counter")
        }
    }
}

extension Family.Label {
    static let lane = Self(name: "lane", values: Lane.allCases.map(\.name))
    static let intakeLane = Self(name: "lane", values: Lane.intake.map(\.name))
}
