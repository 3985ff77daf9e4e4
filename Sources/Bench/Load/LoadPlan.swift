/// All activities of a run, made before it begins from nothing but the scenario and its seed.
///
/// Arrival times do not depend on how the pool fares: a generator that waits for what it measures
/// leaves out the times that are bad (coordinated omission, Gil Tene).
package struct LoadPlan: Sendable {
    package struct Planned: Equatable, Sendable {
        /// From the start of the load, the warm-up included.
        package var microseconds: Int64
        package var kind: Int
        package var sender: Int
        package var bodyBytes: Int
        /// Inbox numbers; empty for an activity to the audience.
        package var inboxes: [Int32]
    }

    /// More than that the sink does not tell apart.
    package static let mostDeliveries = 8_000_000

    package let scenario: Scenario
    package let world: World
    package let activities: [Planned]

    package init(_ scenario: Scenario, world: World) {
        self.scenario = scenario
        self.world = world
        var random = SeededRandom(seed: scenario.seed)
        let kinds = scenario.mix.map(\.weight)
        let bodies = scenario.bodies.map(\.weight)
        var activities: [Planned] = []
        var second = random.gap(rate: scenario.rate)
        while second < scenario.totalSeconds {
            let kind = random.place(in: kinds)
            activities.append(
                Planned(
                    microseconds: Int64(second * 1_000_000), kind: kind,
                    sender: random.below(scenario.senders),
                    bodyBytes: scenario.bodies[random.place(in: bodies)].bytes,
                    inboxes: Self.inboxes(scenario.mix[kind].audience, of: world, &random)))
            second += random.gap(rate: scenario.rate)
        }
        self.activities = activities
    }

    package func lane(of number: Int) -> BenchLane { scenario.mix[activities[number].kind].lane }

    package func isToAudience(_ number: Int) -> Bool {
        scenario.mix[activities[number].kind].audience == .followers
    }

    /// How many posts the activity becomes.
    package func expected(of number: Int) -> Int {
        isToAudience(number) ? world.audienceSize : activities[number].inboxes.count
    }

    package var expectedDeliveries: Int {
        activities.indices.reduce(0) { $0 + expected(of: $1) }
    }

    package func expects(_ number: Int, at inbox: Int) -> Bool {
        isToAudience(number)
            ? world.isOfAudience(inbox) : activities[number].inboxes.contains(Int32(inbox))
    }

    /// Of the activity, in the order in which they were chosen.
    package func inboxes(of number: Int) -> [Int] {
        guard isToAudience(number) else { return activities[number].inboxes.map(Int.init) }
        let first = world.sharedInboxes ? world.followers : 0
        return Array(first..<(first + world.audienceSize))
    }

    package func number(ofID id: some StringProtocol) -> Int? {
        world.names.number(ofID: id).flatMap { activities.indices.contains($0) ? $0 : nil }
    }

    /// Followers are chosen evenly, so a host as often as it has followers.
    private static func inboxes(
        _ audience: Scenario.Kind.Audience, of world: World, _ random: inout SeededRandom
    ) -> [Int32] {
        switch audience {
        case .followers: return []
        case .single: return [Int32(random.below(world.followers))]
        case .list(let recipients):
            var chosen: [Int32] = []
            var seen: Set<Int32> = []
            // A rare host may take long to come up: after so many draws the next free one is taken.
            var draws = recipients * 20
            while chosen.count < recipients {
                var follower = random.below(world.followers)
                while draws <= 0, seen.contains(Int32(world.inbox(of: follower))) {
                    follower = (follower + 1) % world.followers
                }
                draws -= 1
                let inbox = Int32(world.inbox(of: follower))
                if seen.insert(inbox).inserted { chosen.append(inbox) }
            }
            return chosen
        }
    }
}
