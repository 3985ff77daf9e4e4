import Testing

@testable import trunkline

/// How long `run` waits for what is in flight.
@Suite struct DrainTimeTests {
    @Test(arguments: [(1, 60), (15, 60), (30, 90), (90, 210)])
    func `a drain outlasts an exchange that begins once more`(timeout: Int, drain: Int) {
        #expect(PoolSupervisor.drainTime(requestTimeout: .seconds(timeout)) == .seconds(drain))
    }
}
