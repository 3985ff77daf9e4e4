import Simulation
import Testing

/// Every scenario, with every checker.
@Suite struct ScenarioTests {
    /// One seed, unoptimised; hundreds are for `deploy/seeds`.
    @Test(arguments: Scenarios.all.map(\.name))
    func `all rules hold in`(name: String) throws {
        let scenario = try #require(Scenarios.named(name))
        var simulation = Simulation(scenario, seed: 1, checkers: Checkers.all)
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
