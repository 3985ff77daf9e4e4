import DeliveryCore
import Foundation
import Testing

/// Random lives of a few workers in a world full of faults.
@Suite struct SoakTests {
    /// Events in which things fail; about as many follow until all is quiet.
    static let events = 1_000

    /// Two hundred, or as many as `TRUNKLINE_SOAK_SEEDS` says: a night's run takes more.
    static let seeds: ClosedRange<UInt64> = {
        let asked = ProcessInfo.processInfo.environment["TRUNKLINE_SOAK_SEEDS"].flatMap(UInt64.init)
        return 1...max(asked ?? 200, 1)
    }()

    @Test(arguments: seeds)
    func `nothing is lost, sent twice at a time, or left behind`(seed: UInt64) {
        var world = World(seed: seed)
        live(&world)
        if world.violation == nil { settle(&world) }
        if world.violation == nil { drain(&world) }
        #expect(
            world.violation == nil,
            "seed \(seed), event \(world.eventCount) of \(world.now.nanoseconds / 1_000_000) ms")
        let repeated = world.accepted.filter { $0.value > 1 }.keys
        #expect(
            world.mayRepeat || repeated.isEmpty,
            "seed \(seed): nobody was killed or fenced, and \(repeated.first!) was taken twice")
    }

    @Test(arguments: UInt64(1)...5)
    func `one seed is one run`(seed: UInt64) {
        let ends = (0..<2).map { _ in
            var world = World(seed: seed)
            live(&world)
            return "\(world.eventCount) events, \(world.now), next \(world.random.next())"
        }
        #expect(ends[0] == ends[1])
    }

    /// Work comes in, and everything that can fail does.
    private func live(_ world: inout World) {
        var nextCheck = 100
        while world.eventCount < Self.events, world.violation == nil, world.step() {
            world.makeTrouble()
            if world.jobs.count < 120, world.chance(0.04) { world.produce() }
            if world.eventCount >= nextCheck {
                world.checkOwed()
                nextCheck += 100
            }
        }
        if world.violation == nil { world.checkOwed() }
    }

    /// The faults end: everything comes to its end within ten simulated minutes, because hosts that
    /// have failed are probed, and those that have refused are asked slowly at first.
    private func settle(_ world: inout World) {
        world.endTrouble()
        let deadline = world.now + .seconds(600)
        while !world.isQuiet, world.violation == nil, world.step() {
            if world.now > deadline { world.violation = "stuck: \(world.summary)" }
        }
        if world.violation == nil, !world.isQuiet { world.violation = "idle: \(world.summary)" }
        if world.violation == nil { world.checkOwed() }
    }

    /// All are asked to go: all go, and leave no lease behind.
    private func drain(_ world: inout World) {
        world.isClosing = true
        for name in world.workers.keys.sorted() {
            world.agenda.add(.reply(name, .drainRequested), at: world.now)
        }
        let deadline = world.now + .seconds(30)
        while !world.workers.values.allSatisfy(\.hasFinished), world.violation == nil, world.step()
        {
            if world.now > deadline { world.violation = "does not end: \(world.summary)" }
        }
        let left = world.redis.partitions.values.compactMap(\.lease).filter {
            $0.expires > world.now && world.workers[$0.owner] != nil
        }
        if let lease = left.first { world.violation = "\(lease.owner) left a lease behind" }
    }
}
