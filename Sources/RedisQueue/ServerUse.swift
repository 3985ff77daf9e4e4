/// What the servers have taken so far, all of them together, whoever they worked for.
package struct ServerUse: Equatable, Sendable {
    /// User and system time, children that have ended included.
    package var cpuSeconds = 0.0
    package var residentBytes = 0

    /// - Parameter infos: the answer of each server to INFO.
    init(infos: [RedisReply]) throws(RedisFailure) {
        for info in infos {
            let values = try ServerFacts.values(info)
            for name in Self.times {
                guard let seconds = values["used_cpu_\(name)"].flatMap({ Double($0) }) else {
                    throw .malformed("INFO lacks used_cpu_\(name)")
                }
                cpuSeconds += seconds
            }
            guard let bytes = values["used_memory_rss"].flatMap({ Int($0) }) else {
                throw .malformed("INFO lacks used_memory_rss")
            }
            residentBytes += bytes
        }
    }

    private static let times = ["user", "sys", "user_children", "sys_children"]
}

extension RedisClient {
    package func use() throws(RedisFailure) -> ServerUse {
        try ServerUse(infos: performOnEach(ServerFacts.info).map(\.reply))
    }
}
