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
        guard let text = info.text else { throw .malformed("INFO is not text") }
        var values: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        guard let runID = values["run_id"], let version = values["redis_version"],
            let usedMemory = values["used_memory"].flatMap({ Int64($0) }),
            let maxMemory = values["maxmemory"].flatMap({ Int64($0) }),
            let policy = values["maxmemory_policy"]
        else { throw .malformed("INFO lacks what every Redis since 4.0 tells") }
        self.runID = String(runID)
        self.version = String(version)
        self.usedMemory = usedMemory
        self.maxMemory = maxMemory
        maxMemoryPolicy = String(policy)
        appendOnly = values["aof_enabled"] == "1"
        streamNodeMaxBytes = configuration?.array?.last?.bytes.flatMap(Int64.init(decimal:))
    }

    static let info = RedisCommand("INFO")
    static let configuration = RedisCommand("CONFIG", "GET", "stream-node-max-bytes")
}

extension RedisQueue {
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
