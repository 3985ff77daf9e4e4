import DeliveryCore
import Testing

@Suite struct BackoffTests {
    @Test(arguments: [
        (0, 30), (1, 90), (2, 270), (3, 810), (4, 2_430), (5, 7_290), (6, 14_400), (7, 14_400),
        (16, 14_400), (255, 14_400),
    ])
    func `a delay is between the floor and three times the last ceiling`(
        attempt: Int, ceiling: Int
    ) {
        var random = SeededGenerator(seed: UInt64(attempt) + 1)
        let delays = (0..<1_000).map { _ in Backoff().delay(attempt: attempt, using: &random) }
        #expect(delays.allSatisfy { (.seconds(1) ... .seconds(ceiling)).contains($0) })
        // Full jitter: a thousand draws reach into the upper and the lower tenth.
        #expect(delays.contains { $0 > .seconds(ceiling) / 10 * 9 })
        #expect(delays.contains { $0 < max(.seconds(ceiling) / 10, .seconds(2)) })
    }

    @Test func `the mean grows with every attempt up to the ceiling`() {
        var random = SeededGenerator(seed: 9)
        let means = (0..<6).map { attempt in
            (0..<2_000).reduce(Duration.zero) { sum, _ in
                sum + Backoff().delay(attempt: attempt, using: &random)
            } / 2_000
        }
        for (earlier, later) in zip(means, means.dropFirst()) { #expect(later > earlier * 2) }
    }

    @Test func `one seed is one sequence`() {
        func draws(_ seed: UInt64) -> [Duration] {
            var random = SeededGenerator(seed: seed)
            return (0..<20).map { Backoff().delay(attempt: $0, using: &random) }
        }
        #expect(draws(4) == draws(4))
        #expect(draws(4) != draws(5))
    }
}
