internal import DeliveryCore

/// All scenarios by name, each at a scale at which a seed takes little time, or at its full size.
package enum Scenarios {
    package static let all: [(name: String, make: @Sendable (Scale) -> Scenario)] = [
        ("soak", Scenario.soak), ("kills", Scenario.kills), ("dead-host", Scenario.deadHost),
        ("living-and-dead", Scenario.livingAndDead), ("surge", Scenario.surge),
        ("big-server-away", Scenario.bigServerAway), ("move", Scenario.move),
        ("mass-deletion", Scenario.massDeletion), ("rate-limited", Scenario.rateLimited),
        ("flapping", Scenario.flapping), ("poison", Scenario.poison),
        ("our-outage", Scenario.ourOutage), ("ordering", Scenario.ordering),
        ("revisions", Scenario.revisions), ("bursts", Scenario.bursts),
        ("refused-bursts", Scenario.refusedBursts),
        ("celebrity", Scenario.celebrity), ("slow-loris", Scenario.slowLoris),
        ("strangers", Scenario.strangers), ("paused-lanes", Scenario.pausedLanes),
        ("lost-redis", Scenario.lostRedis),
    ]

    package static func named(_ name: String, _ scale: Scale = .small) -> Scenario? {
        all.first { $0.name == name }?.make(scale)
    }
}

package enum Scale: Sendable {
    /// For many seeds.
    case small
    /// As the fediverse has it: one seed at a time.
    case full

    func callAsFunction(_ full: Int, _ small: Int) -> Int { self == .full ? full : small }
}
