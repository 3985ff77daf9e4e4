/// Finds the primary for those who may wait.
///
/// Every sentinel is asked, not the first that answers: one that is cut off with the old primary
/// still names it. During a failover nobody is right for a moment, so it is tried again for as long
/// as a reply may take.

internal import DeliveryCore
internal import Glibc

struct PrimarySearch {
    private static let pauseMilliseconds: Int32 = 100
    /// Of one sentinel: the others are asked after it.
    private static let sentinelTime: Duration = .seconds(1)

    var endpoint: RedisEndpoint
    var service: SentinelService
    var timeout: Duration

    func run() throws(RedisFailure) -> BlockingConnection {
        let deadline = ContinuousClock.now + timeout
        while true {
            do throws(RedisFailure) {
                return try once()
            } catch {
                // A wrong password or name does not mend itself.
                guard case .disconnected = error, ContinuousClock.now < deadline else {
                    throw error
                }
            }
            poll(nil, 0, Self.pauseMilliseconds)
        }
    }

    private func once() throws(RedisFailure) -> BlockingConnection {
        try .open(endpoint.target(at: try ask().primary), timeout: timeout)
    }

    /// What the sentinels say together; if none answers, what each had to say.
    private func ask() throws(RedisFailure) -> SentinelAnswer {
        var council = SentinelCouncil(sentinels: service.sentinels.count)
        var failures: [(kind: RedisFailure, words: String)] = []
        for (place, address) in service.sentinels.enumerated() {
            do throws(RedisFailure) {
                _ = council.heard(try ask(address), from: place)
            } catch {
                failures.append((error, "sentinel \(address): \(error.words)"))
            }
        }
        if let followed = council.followed { return followed }
        let words = failures.map(\.words).joined(separator: "; ")
        if failures.contains(where: { $0.kind.isRefusal }) { throw .refused(words) }
        throw .disconnected(words)
    }

    private func ask(_ address: ServerAddress) throws(RedisFailure) -> SentinelAnswer {
        let target = endpoint.sentinelTarget(at: address, of: service)
        let sentinel = try BlockingConnection.open(target, timeout: min(timeout, Self.sentinelTime))
        return try SentinelAnswer(sentinel.perform(SentinelAnswer.questions(service.name)))
    }
}

extension RedisFailure {
    fileprivate var isRefusal: Bool { if case .refused = self { true } else { false } }
}
