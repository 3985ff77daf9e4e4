import DeliveryCore
import Testing

@Suite struct LaneRotationTests {
    static func counts(_ turns: Int, among lanes: LaneSet) -> [Lane: Int] {
        var rotation = LaneRotation()
        var counts: [Lane: Int] = [:]
        for _ in 0..<turns {
            if let lane = rotation.next(among: lanes) { counts[lane, default: 0] += 1 }
        }
        return counts
    }

    static let all: LaneSet = [.urgent, .normal, .bulk, .backfill]

    @Test func `busy lanes share 16 to 8 to 4 to 1`() {
        #expect(
            Self.counts(29 * 100, among: Self.all)
                == [.urgent: 1_600, .normal: 800, .bulk: 400, .backfill: 100])
    }

    @Test(arguments: Lane.allCases)
    func `a lane alone gets every turn`(lane: Lane) {
        #expect(Self.counts(1_000, among: [lane]) == [lane: 1_000])
    }

    @Test(
        arguments: [
            ([.urgent, .bulk], [Lane.urgent: 1_600, .bulk: 400]),
            ([.normal, .backfill], [.normal: 1_778, .backfill: 222]),
            ([.bulk, .backfill], [.bulk: 1_600, .backfill: 400]),
        ] as [(LaneSet, [Lane: Int])])
    func `lanes without work leave their share to the others`(
        busy: LaneSet, expected: [Lane: Int]
    ) {
        #expect(Self.counts(2_000, among: busy) == expected)
    }

    @Test func `nothing to do is no lane, and costs nobody a turn`() {
        var rotation = LaneRotation()
        #expect(rotation.next(among: []) == nil)
        #expect(rotation == LaneRotation())
    }

    @Test func `an urgent delivery waits for at most 13 others`() {
        var rotation = LaneRotation()
        var random = SeededGenerator(seed: 5)
        var wait = 0
        for _ in 0..<10_000 {
            let urgentComes = wait > 0 || Int.random(in: 0..<40, using: &random) == 0
            let lane = rotation.next(
                among: urgentComes ? Self.all : [.normal, .bulk, .backfill])
            wait = urgentComes && lane != .urgent ? wait + 1 : 0
            #expect(wait <= 13)
        }
    }

    @Test func `a set of lanes holds what was put in`() {
        var lanes: LaneSet = [.bulk]
        lanes.insert(.urgent)
        #expect(Lane.allCases.filter(lanes.contains) == [.urgent, .bulk])
    }
}
