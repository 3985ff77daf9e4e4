internal import Bench
internal import DeliveryCore
internal import RedisQueue

/// What a run has put into the lanes.
struct EnqueuedEntries {
    struct Entry {
        let lane: Lane
        let id: StreamID
        /// Of its activity in the plan; nil: it was tried before the load.
        let number: Int?
    }

    private(set) var entries: [Entry] = []
    /// Of the load: when it is no more worth sending, in seconds since 1970; nil: it always is.
    var expires: Int64?

    var count: Int { entries.count }
    /// Whether there is more than what was tried before the load.
    var hasLoad: Bool { entries.contains { $0.number != nil } }

    func activityIDs(_ names: LoadNames) -> [String] {
        entries.map { $0.number.map(names.id) ?? names.probeID }
    }

    /// - Parameters:
    ///   - reply: to its XADD.
    ///   - number: of its activity in the plan; nil: it is tried before the load.
    mutating func add(_ reply: RedisReply, in lane: Lane, number: Int?) {
        guard let id = reply.text.flatMap({ StreamID($0) }) else { return }
        entries.append(Entry(lane: lane, id: id, number: number))
    }
}
