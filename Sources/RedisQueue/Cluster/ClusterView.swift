/// What the nodes say of their cluster, put together: which map to go by, and whether it serves.
///
/// A node that is cut off with a minority says so itself after `cluster-node-timeout`, and until
/// then has an older epoch than those that have chosen another primary: its map is not taken.
struct ClusterView {
    private(set) var map = SlotMap()
    private(set) var epoch: Int64 = -1
    /// Primaries whose last word was that the cluster serves.
    private var content: Set<ServerAddress> = []

    /// Every slot has a primary, and each of them says that the cluster serves.
    var isServing: Bool { map.isComplete && content.isSuperset(of: map.primaries) }

    /// A node has answered; true when the map is another one now.
    mutating func heard(_ survey: ClusterSurvey, from node: ServerAddress) -> Bool {
        if survey.isServing { content.insert(node) } else { content.remove(node) }
        guard survey.isServing, survey.map.isComplete, survey.epoch >= epoch else { return false }
        epoch = survey.epoch
        defer { map = survey.map }
        return map != survey.map
    }

    /// A node that was asked for a slot names another; true when that is news.
    mutating func moved(_ slot: Slot, to address: ServerAddress) -> Bool {
        guard map[slot] != address else { return false }
        map.move(slot, to: address)
        return true
    }

    /// A node is away, or has refused: what it said counts no more.
    mutating func lost(_ node: ServerAddress) { content.remove(node) }

    /// Nothing serves: then no epoch is too old, for a cluster may have been made anew.
    mutating func forgetEpoch() { epoch = -1 }
}

/// What one node says of the cluster.
struct ClusterSurvey {
    var isServing: Bool
    var epoch: Int64
    var map: SlotMap

    static let questions = [RedisCommand("CLUSTER", "INFO"), RedisCommand("CLUSTER", "SLOTS")]

    init(isServing: Bool, epoch: Int64, map: SlotMap) {
        self.isServing = isServing
        self.epoch = epoch
        self.map = map
    }

    init(_ replies: [RedisReply], asked: ServerAddress) throws(RedisFailure) {
        guard replies.count == 2, let text = replies[0].text else {
            throw .malformed("CLUSTER INFO is not text")
        }
        let lines = text.split(whereSeparator: \.isNewline)
        func value(_ name: String) -> Substring? {
            lines.first { $0.hasPrefix(name + ":") }?.dropFirst(name.count + 1)
        }
        guard let epoch = value("cluster_current_epoch").flatMap({ Int64($0) }) else {
            throw .malformed("CLUSTER INFO without its epoch")
        }
        self.init(
            isServing: value("cluster_state") == "ok", epoch: epoch,
            map: try SlotMap(replies[1], asked: asked))
    }
}
