import DeliveryCore
import Simulation
import Testing

/// Broken thus -> found by.
struct Breakage: Sendable, CustomTestStringConvertible {
    var rule: String
    var checker: String
    /// The core as it is breaks it too.
    var isAwaited = false
    var scenario: @Sendable () -> Scenario = { .calm() }
    var tampering: @Sendable () -> Tampering

    var testDescription: String { "\(rule) -> \(checker)" }

    static let table: [Breakage] = [
        Breakage(
            rule: "a resolve loses its holds and laters", checker: "whereabouts",
            scenario: { .calm { $0.fleet = [pausing] } },
            tampering: { Tampering(actions: { actions, _ in actions.map { $0.withoutMoves } }) }),
        Breakage(
            rule: "a worker does not hear that a lease is lost", checker: "ownership",
            scenario: {
                .calm {
                    $0.workers = 2
                    $0.faults.faults = [(.leaseLost, every: .seconds(1))]
                }
            },
            tampering: { Tampering(event: { $0.withoutLoss }) }),
        Breakage(
            rule: "a transmission is made twice", checker: "single-flight",
            tampering: { repeating(times: 1) }),
        Breakage(
            rule: "a host gets more than its window", checker: "limits",
            tampering: { repeating(times: 40) }),
        Breakage(
            rule: "a Create is sent after its Delete", checker: "order",
            scenario: { .lives() },
            tampering: { replaying(every: .seconds(3)) { $0 == .create } }),
        Breakage(
            rule: "what comes first is not asked for", checker: "sequence",
            scenario: { Scenarios.named("bursts") ?? .lives() },
            tampering: { Tampering(event: { $0.withoutPredecessors }) }),
        Breakage(
            rule: "a dead host is tried every minute", checker: "dead-hosts",
            scenario: {
                .calm {
                    $0.duration = .seconds(7_200)
                    $0.fleet = [HostGroup(10) { $0.life = [Phase(.refuses)] }]
                }
            },
            tampering: { replaying(every: .seconds(60)) { _ in true } }),
        Breakage(
            rule: "strangers take all slots", checker: "suspects",
            scenario: {
                .calm {
                    $0.configuration.slots = 20
                    $0.fleet = [HostGroup(10) { $0.life = [Phase(.blackholes)] }]
                }
            },
            tampering: { repeating(times: 40) }),
        Breakage(
            rule: "a pause is ignored", checker: "pauses",
            scenario: { .calm { $0.fleet = [pausing] } },
            tampering: { replaying(every: .milliseconds(500)) { _ in true } }),
        Breakage(
            rule: "a paused lane is read and sent", checker: "pauses",
            scenario: {
                .calm { $0.faults.faults = [(.pauseLane(.normal, 5_000...9_000), .seconds(5))] }
            },
            tampering: { Tampering(event: { $0.withoutControls }) }),
        Breakage(
            rule: "a paused sender is sent for", checker: "pauses",
            scenario: {
                .calm {
                    $0.workload[0].senders = 1...2
                    $0.fleet = [HostGroup(10) { $0.latency.median = .seconds(2) }]
                    $0.faults.faults = [(.pauseSender(1...2, 5_000...9_000), .seconds(2))]
                }
            },
            tampering: { Tampering(event: { $0.withoutControls }) }),
        Breakage(
            rule: "urgent ones are held back", checker: "latencies",
            scenario: {
                .calm {
                    $0.workload[0].lane = .urgent
                    $0.expectations.latencies = [
                        Expectations.Latency(lane: .urgent, senders: 1...50, p99: .seconds(3))
                    ]
                }
            },
            tampering: { delaying(.seconds(4)) }),
        Breakage(
            rule: "a transmission is never made", checker: "conservation",
            tampering: { dropping { if case .send = $0 { true } else { false } } }),
        Breakage(
            rule: "what was taken is sent again", checker: "duplicates",
            tampering: { replaying(every: .seconds(2)) { _ in true } }),
        Breakage(
            rule: "a limited host gets five times as much", checker: "refusals",
            scenario: {
                .calm {
                    $0.fleet = [HostGroup(10) { $0.limit = .perSecond(20, retryAfter: nil) }]
                    $0.expectations.refusalPercent = 5
                }
            },
            tampering: { repeating(times: 30) }),
        Breakage(
            rule: "an outage of ours is taken for one of the hosts", checker: "own-outages",
            scenario: {
                .calm {
                    $0.fleet = [HostGroup(30)]
                    $0.workload = [
                        Traffic(
                            audience: .some(4...8, of: 1...30), count: 300, until: .seconds(500))
                    ]
                    $0.duration = .seconds(600)
                    $0.faults.outages = [.seconds(100) ..< .seconds(300)]
                    $0.expectations.idlePatience = nil
                }
            },
            tampering: { Tampering(event: { $0.withHostsAtFault }) }),
        Breakage(
            rule: "a refusal is taken for a success", checker: "ends",
            scenario: {
                .calm {
                    $0.fleet = [HostGroup(10) { $0.life = [Phase(.errs(500), until: .seconds(5))] }]
                }
            },
            tampering: { Tampering(event: { $0.withSuccess }) }),
        Breakage(
            rule: "the next deadline is in the past", checker: "wakefulness",
            tampering: { Tampering(deadline: { _ in Instant(nanoseconds: 0) }) }),
        Breakage(
            rule: "a flush is forgotten", checker: "liveness",
            tampering: { dropping { if case .flush = $0 { true } else { false } } }),
        Breakage(
            rule: "what stands in Redis is given back to it", checker: "recoveries",
            tampering: { givingBack() }),
        Breakage(
            rule: "a lease is not given back", checker: "drain",
            tampering: { dropping { if case .releaseLeases = $0 { true } else { false } } }),
    ]

    private static let pausing = HostGroup(10) {
        $0.life = [Phase(.asksToWait(429, .seconds(3)), until: .seconds(10))]
    }
}

extension Scenario {
    /// A few hosts that are well, a little work, no faults.
    static func calm(_ change: (inout Scenario) -> Void = { _ in }) -> Scenario {
        var scenario = Scenario("calm", "nothing breaks")
        scenario.workers = 1
        scenario.fleet = [HostGroup(10)]
        scenario.duration = .seconds(30)
        scenario.settleWithin = .seconds(7_200)
        scenario.workload = [
            Traffic(audience: .some(1...6, of: 1...10), count: 60, until: .seconds(25))
        ]
        change(&scenario)
        return scenario
    }

    static func lives() -> Scenario {
        calm {
            $0.workload[0].shape = .life(apart: .seconds(2))
            $0.workload[0].until = .seconds(20)
        }
    }
}
