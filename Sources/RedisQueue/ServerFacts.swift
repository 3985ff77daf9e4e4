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

    static let info = RedisCommand("INFO")
    static let configuration = RedisCommand("CONFIG", "GET", "stream-node-max-bytes")
}

extension RedisQueue {
    /// Whether Redis has reached its `maxmemory`, and refuses what adds.
    package func isFull(completion: @escaping RedisCompletion<Bool>) {
        commands.send(RedisCommand("INFO", "memory")) { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    let values = try ServerFacts.values(reply)
                    guard let used = values["used_memory"].flatMap({ Int64($0) }),
                        let most = values["maxmemory"].flatMap({ Int64($0) })
                    else { throw .malformed("INFO memory lacks used_memory or maxmemory") }
                    return most > 0 && used >= most
                })
        }
    }

    /// Makes the consumer groups of the intake and asks Redis about itself.
    package func prepare(completion: @escaping RedisCompletion<ServerFacts>) {
        let gathering = Gathering<RedisReply>(count: 3, nextTurn: nextTurn) { outcome in
            completion(
                outcome.reading { replies throws(RedisFailure) in
                    try ServerFacts(info: replies[1], configuration: replies[2])
                })
        }
        commands.send(createGroups, completion: gathering.part(0))
        commands.send(ServerFacts.info, completion: gathering.part(1))
        commands.send(ServerFacts.configuration) { outcome in
            if case .failure(.refused) = outcome {
                gathering.part(2)(.success(.null))
            } else {
                gathering.part(2)(outcome)
            }
        }
    }
}
