internal import DeliveryCore

/// Per (host, sender, ordering key): what a producer enqueued first is not sent for the first time
/// after a host has taken what came later, whichever workers expanded them.
///
/// ``Order`` watches what stands in the logs; this one also watches how it got there. Whatever has
/// had its end (taken, answered for good, settled) may be repeated: a worker died before the commit.
struct Sequence: Checker {
    static let name = "sequence"
    static let heeds: Set<Observation.Kind> = [.sent, .accepted, .answered, .settled, .forgot]

    private struct Line: Hashable {
        var host: HostID
        var sender: Int
        var key: UInt64
    }

    /// The last job that a host has taken; jobs are numbered as they were enqueued.
    private var taken: [Line: Int] = [:]
    private var ended: Set<Delivery> = []
    /// Of the jobs up to this one Redis may have lost some: until they are back others go.
    private var lostThrough = -1

    init(_ scenario: Scenario) {}

    mutating func observe(_ observation: Observation, in world: World) -> Breach? {
        switch observation {
        case .sent(let sending) where sending.isOrdered:
            guard let job = world.postgres.activity(sending.delivery.activity)?.job,
                let last = taken[line(of: sending)], last > job,
                job > lostThrough, !ended.contains(sending.delivery)
            else { return nil }
            return Breach(
                "\(sending.delivery) (\(sending.kind), job \(job)) is sent after its host has taken "
                    + "job \(last) of the same object",
                .delivery(sending.delivery))
        case .accepted(let sending) where sending.isOrdered:
            guard let job = world.postgres.activity(sending.delivery.activity)?.job else {
                return nil
            }
            ended.insert(sending.delivery)
            taken[line(of: sending), default: job] = max(taken[line(of: sending)] ?? job, job)
        case .answered(let sending, let answering) where answering.isFinal(of: sending):
            if sending.isOrdered { ended.insert(sending.delivery) }
        case .settled(let delivery, _, _):
            ended.insert(delivery)
        case .forgot: lostThrough = world.produced.keys.max() ?? -1
        default: break
        }
        return nil
    }

    private func line(of sending: Sending) -> Line {
        Line(host: sending.host, sender: sending.sender, key: sending.orderingKey)
    }
}
