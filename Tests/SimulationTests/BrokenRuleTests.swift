import DeliveryCore
import Simulation
import Testing

/// Each checker is seen to fail: a rule is broken between the machine and the world, and the
/// checker of that rule finds it.
@Suite struct BrokenRuleTests {
    @Test(arguments: Breakage.table)
    func `a broken rule is found`(_ breakage: Breakage) throws {
        let checkers = Checkers.all.filter { $0.name == breakage.checker }
        let violations = (UInt64(1)...10).lazy.compactMap { seed in
            var simulation = Simulation(
                breakage.scenario(), seed: seed, checkers: checkers, tampering: breakage.tampering()
            )
            return simulation.run().violation
        }
        let violation = try #require(violations.first)
        #expect(violation.checker == breakage.checker)
    }

    @Test(arguments: Breakage.table)
    func `unbroken, it passes`(_ breakage: Breakage) {
        guard !breakage.isAwaited else { return }
        let checkers = Checkers.all.filter { $0.name == breakage.checker }
        var simulation = Simulation(breakage.scenario(), seed: 1, checkers: checkers)
        let report = simulation.run()
        #expect(report.violation == nil, "\(report.text)")
    }

    @Test func `no checker is without its broken rule`() {
        let broken = Set(Breakage.table.map(\.checker))
        #expect(Checkers.all.allSatisfy { broken.contains($0.name) })
    }

    @Test func `a violation prints the command that replays it, and its story`() throws {
        let breakage = try #require(Breakage.table.first { $0.checker == "duplicates" })
        var simulation = Simulation(breakage.scenario(), seed: 3, tampering: breakage.tampering())
        let report = simulation.run()
        #expect(report.text.contains("trunkline simulate --scenario calm --seed 3"))
        #expect(report.violation?.trace.isEmpty == false)
    }
}
