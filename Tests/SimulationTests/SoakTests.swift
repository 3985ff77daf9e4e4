import Foundation
import Simulation
import Testing

/// Random lives of a few workers in a world full of faults.
@Suite struct SoakTests {
    /// Two hundred, or as many as `TRUNKLINE_SOAK_SEEDS` says: a night's run takes more.
    static let seeds: ClosedRange<UInt64> = {
        let asked = ProcessInfo.processInfo.environment["TRUNKLINE_SOAK_SEEDS"].flatMap(UInt64.init)
        return 1...max(asked ?? 200, 1)
    }()

    @Test(arguments: seeds)
    func `nothing is lost, sent twice at a time, or left behind`(seed: UInt64) throws {
        let scenario = try #require(Scenarios.named("soak"))
        var simulation = Simulation(scenario, seed: seed, checkers: Checkers.all)
        let report = simulation.run()
        #expect(report.violation == nil, "\(report.text)")
    }
}
