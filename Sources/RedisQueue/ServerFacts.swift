/// What Redis says of itself: whether it is the one we knew, and whether it is fit for the work.
package struct ServerFacts: Equatable, Sendable {
    /// New with every start of the process.
    package var runID: String
    package var version: String
    package var usedMemory: Int64
    /// 0: no limit.
    package var maxMemory: Int64
    /// Anything but `noeviction` loses deliveries.
    package var maxMemoryPolicy: String
    package var appendOnly: Bool
    /// nil where CONFIG is not allowed (managed services).
    package var streamNodeMaxBytes: Int64?

    /// - Parameters:
    ///   - info: the answer to INFO.
    ///   - configuration: the answer to CONFIG GET stream-node-max-bytes.
    init(info: RedisReply, configuration: RedisReply?) throws(RedisFailure) {
        let values = try Self.values(info)
        guard let runID = values["run_id"], let version = values["redis_version"],
            let usedMemory = values["used_memory"].flatMap({ Int64($0) }),
            let maxMemory = values["maxmemory"].flatMap({ Int64($0) }),
            let policy = values["maxmemory_policy"]
        else { throw .malformed("INFO lacks what every Redis since 4.0 tells") }
        self.runID = runID
        self.version = version
        self.usedMemory = usedMemory
        self.maxMemory = maxMemory
        maxMemoryPolicy = policy
        appendOnly = values["aof_enabled"] == "1"
        streamNodeMaxBytes = configuration?.array?.last?.bytes.flatMap(Int64.init(decimal:))
    }

    /// What an INFO says, by name.
    static func values(_ info: RedisReply) throws(RedisFailure) -> [String: String] {
        guard let text = info.text else { throw .malformed("INFO is not text") }
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        return values
    }

    /// Of all servers together: the worst of each, and a run id that changes with any of theirs.
    init(infos: [RedisReply], configuration: RedisReply?) throws(RedisFailure) {
        var servers: [ServerFacts] = []
        for info in infos {
            servers.append(try ServerFacts(info: info, configuration: configuration))
        }
        guard var facts = servers.max(by: { $0.memoryShare < $1.memoryShare }) else {
            throw .malformed("no server has answered INFO")
        }
        facts.runID = servers.map(\.runID).sorted().joined(separator: "+")
        facts.appendOnly = servers.allSatisfy(\.appendOnly)
        let policies = servers.map(\.maxMemoryPolicy)
        facts.maxMemoryPolicy = policies.first { $0 != "noeviction" } ?? facts.maxMemoryPolicy
        self = facts
    }

    private var memoryShare: Double {
        maxMemory > 0 ? Double(usedMemory) / Double(maxMemory) : 0
    }

    static let info = RedisCommand("INFO")
    static let configuration = RedisCommand("CONFIG", "GET", "stream-node-max-bytes")
}

extension RedisQueue {
    /// Whether Redis (in a cluster: any of its nodes) has reached its `maxmemory`, and refuses what
    /// adds.
    package func isFull(completion: @escaping RedisCompletion<Bool>) {
        commands.sendToEach(RedisCommand("INFO", "memory")) { outcome in
            completion(
                outcome.reading { replies throws(RedisFailure) in
                    for reply in replies {
                        let values = try ServerFacts.values(reply)
                        guard let used = values["used_memory"].flatMap({ Int64($0) }),
                            let most = values["maxmemory"].flatMap({ Int64($0) })
                        else { throw .malformed("INFO memory lacks used_memory or maxmemory") }
                        if most > 0, used >= most { return true }
                    }
                    return false
                })
        }
    }

    /// Makes the consumer groups of the intake and asks Redis about itself.
    package func prepare(completion: @escaping RedisCompletion<ServerFacts>) {
        let gathering = Gathering<RedisReply>(count: 3, nextTurn: nextTurn) { outcome in
            completion(
                outcome.reading { replies throws(RedisFailure) in
                    try ServerFacts(infos: replies[1].array ?? [], configuration: replies[2])
                })
        }
        commands.send(createGroups, completion: gathering.part(0))
        commands.sendToEach(ServerFacts.info) { gathering.part(1)($0.map(RedisReply.array)) }
        commands.send(ServerFacts.configuration) { outcome in
            if case .failure(.refused) = outcome {
                gathering.part(2)(.success(.null))
            } else {
                gathering.part(2)(outcome)
            }
        }
    }
}
