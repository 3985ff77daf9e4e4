internal import DeliveryCore

/// One run: a scenario, a seed, and all checkers beside it.
///
/// Work comes in and things break for the scenario's duration; then faults end and everything must
/// come to its end; then the workers are asked to go, and must leave nothing behind.
package struct Simulation {
    package private(set) var world: World
    private var watch: Watch

    package var violation: Violation? { watch.violation }

    /// - Parameter checkers: all of them, but for tests that ask which one finds a fault.
    package init(
        _ scenario: Scenario, seed: UInt64, checkers: [any Checker.Type] = Checkers.all,
        tampering: Tampering? = nil
    ) {
        world = World(scenario, seed: seed, tampering: tampering)
        watch = Watch(checkers.map { $0.init(scenario) })
    }

    /// Runs to the end or to the first violation.
    package mutating func run() -> Report {
        live()
        if violation == nil { settle() }
        if violation == nil { drain() }
        return report
    }

    private mutating func live() {
        let end = World.start + world.scenario.duration
        while violation == nil, world.now < end, step() {}
    }

    private mutating func settle() {
        world.endTrouble()
        look()
        // A lease whose taking had failed halfway runs out by itself.
        var next = world.now + world.scenario.configuration.leaseTime
        while violation == nil {
            // Whether all is quiet takes a look at everything: once a simulated second.
            if world.now >= next {
                if world.isQuiet { break }
                next = world.now + .seconds(1)
            }
            if !step() { break }
        }
        world.observe(.ended)
        look()
    }

    private mutating func drain() {
        world.isClosing = true
        for number in world.workers.numbers {
            world.agenda.add(.reply(number, .drainRequested), at: world.now)
        }
        let deadline = world.now + .seconds(60) + world.scenario.configuration.leaseTime
        while violation == nil, !haveAllFinished, step() {
            if world.now > deadline {
                watch.violate(
                    "drain", Breach("workers do not end: \(world.summary)"), in: world)
            }
        }
        let names = Set(world.workers.numbers.map { world.workers[$0].name })
        for (number, partition) in world.redis.partitions.enumerated() {
            if let lease = partition.lease, lease.expires > world.now, names.contains(lease.owner) {
                watch.violate(
                    "drain", Breach("\(lease.owner.rawValue) left a lease of \(number) behind"),
                    in: world)
            }
        }
    }

    private var haveAllFinished: Bool {
        world.workers.numbers.allSatisfy { world.workers[$0].hasFinished }
    }

    private mutating func step() -> Bool {
        guard world.step() else { return false }
        look()
        return true
    }

    /// Shows the checkers what has happened.
    private mutating func look() {
        guard !world.observations.isEmpty else { return }
        watch.see(world)
        world.observations.removeAll(keepingCapacity: true)
    }

    private var report: Report {
        Report(
            scenario: world.scenario.name, seed: world.seed, violation: violation,
            events: world.eventCount, requests: world.sendCount, age: world.age,
            fingerprint: world.fingerprint)
    }
}

package struct Violation: Sendable {
    package var checker: String
    package var message: String
    package var age: Duration
    package var event: Int
    /// The last events of the culprit.
    package var trace: [String]
}

package struct Report: Sendable {
    package var scenario: String
    package var seed: UInt64
    package var violation: Violation?
    package var events: Int
    package var requests: Int
    package var age: Duration
    /// Equal for equal runs.
    package var fingerprint: UInt64
    /// It was run at full size.
    package var isFull = false

    /// The one command that runs it again.
    package var command: String {
        "trunkline simulate --scenario \(scenario) --seed \(seed)" + (isFull ? " --full" : "")
    }

    package var text: String {
        guard let violation else {
            return "\(scenario) seed \(seed): \(events) events, \(requests) requests in "
                + "\(age.wholeMilliseconds / 1_000) s of its time"
        }
        let lines = [
            "\(scenario) seed \(seed): \(violation.checker): \(violation.message)",
            "  at \(violation.age.wholeMilliseconds) ms, event \(violation.event); "
                + "again: \(command)",
        ]
        return (lines + violation.trace.map { "    \($0)" }).joined(separator: "\n")
    }
}

extension World {
    var fingerprint: UInt64 {
        var hash = SeededGenerator.mix(UInt64(eventCount))
        hash = SeededGenerator.mix(hash ^ UInt64(sendCount))
        hash = SeededGenerator.mix(hash ^ UInt64(bitPattern: now.nanoseconds))
        var random = random
        return SeededGenerator.mix(hash ^ random.next())
    }
}
