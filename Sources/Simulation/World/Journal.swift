internal import DeliveryCore
internal import DequeModule

/// The last things that happened, to tell how it came to a violation.
struct Journal {
    /// Enough for the culprit to be in it; more only costs memory.
    static let limit = 4_096
    static let lineLimit = 20

    private var entries: Deque<(time: Instant, observation: Observation)> = []

    mutating func note(_ observation: Observation, at time: Instant) {
        switch observation {
        case .sampled, .turned, .asked: return
        default: break
        }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append((time, observation))
    }

    /// - Parameter partition: of the culprit, if it has one: its owners are part of the story.
    func lines(about culprit: Culprit, in partition: PartitionNumber?) -> [String] {
        let found = entries.filter { entry in
            if case .unleased(_, let left) = entry.observation, left == partition { return true }
            return entry.observation.concerns(culprit)
        }.suffix(Self.lineLimit)
        return found.map { entry in
            let age = (entry.time - World.start).wholeMilliseconds
            return "\(age) ms: \(entry.observation.text(about: culprit))"
        }
    }
}

extension Observation {
    func concerns(_ culprit: Culprit) -> Bool {
        switch culprit {
        case .world: isRare
        case .delivery(let delivery): deliveries.contains(delivery) || isRare
        case .host(let host): deliveries.contains { $0.inbox.host == host } && sendingOrNil != nil
        case .worker(let number): worker == number
        }
    }

    private var isRare: Bool {
        switch self {
        case .killed, .lostLeases, .disturbed, .troubleEnded, .ended: true
        default: false
        }
    }

    private var sendingOrNil: Sending? {
        switch self {
        case .sent(let sending), .accepted(let sending), .answered(let sending, _): sending
        default: nil
        }
    }

    private var deliveries: [Delivery] {
        switch self {
        case .sent(let sending), .accepted(let sending), .answered(let sending, _):
            [sending.delivery]
        case .stood(let deliveries, _), .left(let deliveries), .cleared(_, let deliveries),
            .recovered(let deliveries):
            deliveries
        case .settled(let delivery, _, _): [delivery]
        default: []
        }
    }

    private var worker: Int? {
        switch self {
        case .mutated(let worker, _), .leased(let worker, _, _), .unleased(let worker, _),
            .killed(let worker), .lostLeases(let worker), .heard(let worker, _),
            .asked(let worker, _):
            worker
        default: sendingOrNil?.worker
        }
    }

    func text(about culprit: Culprit) -> String {
        switch self {
        case .sent(let sending): "w\(sending.worker) sends \(sending.delivery) \(sending.kind)"
        case .accepted(let sending): "\(sending.host.name) takes \(sending.delivery)"
        case .answered(let sending, let answer):
            "w\(sending.worker) hears of \(sending.delivery): \(answer.text)"
        case .stored(let activity): "activity \(activity.rawValue) is stored"
        case .acked(let activity): "the entry of activity \(activity.rawValue) is acked"
        case .stood(let deliveries, let isFresh):
            "\(deliveries.count) stand in \(isFresh ? "the log, fresh" : "held or later")"
        case .recovered(let deliveries): "\(deliveries.count) are given back to Redis"
        case .left(let deliveries): "\(deliveries.count) leave the log with their entry"
        case .cleared(let partition, let deliveries):
            "\(deliveries.count) of partition \(partition.rawValue) are cleared away, to be rebuilt"
        case .rebuilt(let partition): "partition \(partition.rawValue) is rebuilt"
        case .forgot: "Redis has lost something"
        case .settled(let delivery, let end, _): "\(delivery) is settled: \(end)"
        case .mutated(let worker, let lease):
            "w\(worker) changes partition \(lease.partition.rawValue), epoch "
                + "\(lease.epoch.rawValue)"
        case .leased(let worker, let partition, let until):
            "w\(worker) has the lease of \(partition.rawValue) until "
                + "\((until - World.start).wholeMilliseconds) ms"
        case .unleased(let worker, let partition):
            "w\(worker) is told that \(partition.rawValue) is not its own"
        case .disturbed(let partition):
            "the lease of \(partition.map { "\($0.rawValue)" } ?? "all") is gone from Redis"
        case .killed(let worker): "w\(worker) is killed"
        case .lostLeases(let worker): "w\(worker) gives partitions up for lost"
        case .heard(let worker, _): "w\(worker) hears what is paused"
        case .asked(let worker, let lanes):
            "w\(worker) reads \(lanes.map(\.name).joined(separator: ", "))"
        case .turned(let worker, _): "w\(worker) has had a turn"
        case .sampled: "a look"
        case .troubleEnded: "faults end"
        case .ended: "the end"
        }
    }
}

extension Answering {
    fileprivate var text: String {
        if isKeyMissing { return "no key" }
        let pause = retryAfter.map { ", retry after \($0.wholeMilliseconds) ms" } ?? ""
        return switch exchange {
        case .answered(let answer): "HTTP \(answer.status)\(pause)"
        case .failed(let failure, _): "\(failure.rawValue)\(isAccepted ? ", but taken" : "")"
        }
    }
}
