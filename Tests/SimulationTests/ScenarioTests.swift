import Foundation
import Simulation
import Testing

/// Every scenario, with every checker.
@Suite struct ScenarioTests {
    /// As many as `TRUNKLINE_SIMULATION_SEEDS` says; a night's run takes more, and
    /// `trunkline simulate --seeds` in a release build takes thousands.
    static let seeds: ClosedRange<UInt64> = {
        let asked = ProcessInfo.processInfo.environment["TRUNKLINE_SIMULATION_SEEDS"]
        return 1...max(asked.flatMap(UInt64.init) ?? 2, 1)
    }()

    @Test(arguments: Scenarios.all.map(\.name), seeds)
    func `all rules hold in`(name: String, seed: UInt64) throws {
        let scenario = try #require(Scenarios.named(name))
        var simulation = Simulation(scenario, seed: seed, checkers: Checkers.all)
        let report = simulation.run()
        #expect(report.violation == nil, "\(report.text)")
    }

    @Test(arguments: Scenarios.all.map(\.name))
    func `one seed is one run of`(name: String) throws {
        let scenario = try #require(Scenarios.named(name))
        let ends = (0..<2).map { _ in
            var simulation = Simulation(scenario, seed: 7, checkers: [])
            return simulation.run().fingerprint
        }
        #expect(ends[0] == ends[1])
    }
}
