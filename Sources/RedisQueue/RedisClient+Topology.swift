/// Which servers there are, and how each of them stands: for the doctor.

internal import DeliveryCore

/// One of the servers that have the keys.
package struct ServerStanding: Sendable {
    package var server: ServerAddress
    package var facts: ServerFacts
    /// As ROLE says it: master, slave or sentinel.
    package var role: String
    package var replicas: Int
    /// nil where CONFIG is not allowed.
    package var minReplicasToWrite: Int?
}

/// What one sentinel says.
package struct SentinelStanding: Sendable {
    package var sentinel: ServerAddress
    /// nil: it does not answer, or knows no such primary.
    package var primary: ServerAddress?
    /// Why it is of no help, or would not fail over.
    package var trouble: String?
}

extension RedisClient {
    package func standings() throws(RedisFailure) -> [ServerStanding] {
        var standings: [ServerStanding] = []
        for server in servers {
            let info = try perform(ServerFacts.info, at: server)
            let replicas = info.text?.split(whereSeparator: \.isNewline)
                .first { $0.hasPrefix("connected_slaves:") }?.split(separator: ":").last
            standings.append(
                ServerStanding(
                    server: server,
                    facts: try ServerFacts(
                        info: info, configuration: try setting(ServerFacts.configuration, server)),
                    role: try perform(RedisCommand("ROLE"), at: server).array?.first?.text
                        ?? "unknown",
                    replicas: replicas.flatMap { Int($0) } ?? 0,
                    minReplicasToWrite: try setting(
                        RedisCommand("CONFIG", "GET", "min-replicas-to-write"), server)?.array?
                        .last?.text.flatMap { Int($0) }))
        }
        return standings
    }

    private func setting(
        _ command: RedisCommand, _ server: ServerAddress
    ) throws(RedisFailure) -> RedisReply? {
        do {
            return try perform(command, at: server)
        } catch .refused {
            return nil
        }
    }
}

extension SentinelService {
    /// Each sentinel's own words, asked one after the other.
    package func standings(timeout: Duration = .seconds(2)) -> [SentinelStanding] {
        let endpoint = RedisEndpoint(place: .sentinel(self))
        return sentinels.map { address in
            var standing = SentinelStanding(sentinel: address)
            do throws(RedisFailure) {
                let sentinel = try BlockingConnection.open(
                    endpoint.sentinelTarget(at: address, of: self), timeout: timeout)
                let answer = try SentinelAnswer(
                    try sentinel.perform(SentinelAnswer.questions(name)))
                standing.primary = answer.primary
                _ = try sentinel.perform([RedisCommand("SENTINEL", "CKQUORUM", name)])
            } catch {
                standing.trouble = error.words
            }
            return standing
        }
    }
}
