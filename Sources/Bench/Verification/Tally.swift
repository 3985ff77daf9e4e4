/// What the sink took, set against what was planned: each activity at each of its inboxes, once.
package struct Tally: Sendable {
    package struct Delivery: Equatable, Sendable {
        package var number: Int32
        package var inbox: Int32
        /// Of its arrival, since 1970.
        package var milliseconds: Int64
    }

    private let plan: LoadPlan
    package private(set) var deliveries: [Delivery] = []
    /// Of each activity.
    private var taken: [Int32]
    /// Accepted more than once.
    package private(set) var duplicates = 0
    /// Taken, but not of this plan.
    package private(set) var strangers = 0

    package init(_ plan: LoadPlan) {
        self.plan = plan
        taken = Array(repeating: 0, count: plan.activities.count)
    }

    /// The sink has one line for each pair of activity and inbox.
    package mutating func add(_ line: PairLine) {
        guard line.accepted > 0 else { return }
        guard let number = plan.number(ofID: line.activity),
            let inbox = plan.world.inbox(url: line.inbox), plan.expects(number, at: inbox)
        else {
            strangers += 1
            return
        }
        duplicates += line.accepted - 1
        taken[number] += 1
        // Of several requests the last one was accepted: nothing is sent after that.
        deliveries.append(
            Delivery(
                number: Int32(number), inbox: Int32(inbox), milliseconds: line.lastMilliseconds))
    }

    package var missing: Int { plan.expectedDeliveries - deliveries.count }

    /// The first pairs that are missing, in words.
    package func examplesOfMissing(_ limit: Int = 3) -> [String] {
        var examples: [String] = []
        for number in plan.activities.indices where Int(taken[number]) < plan.expected(of: number) {
            let came = Set(deliveries.lazy.filter { $0.number == number }.map(\.inbox))
            for inbox in plan.inboxes(of: number) where !came.contains(Int32(inbox)) {
                examples.append("\(plan.world.names.id(number)) at \(plan.world.url(inbox))")
                if examples.count == limit { return examples }
            }
        }
        return examples
    }
}
