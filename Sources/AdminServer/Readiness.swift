/// Whether this installation delivers, and what stands in the way.

internal import DeliveryCore
internal import Scoreboard
internal import Telemetry

struct Readiness: Equatable, Codable, Sendable {
    struct Reason: Equatable, Codable, Sendable {
        let slot: Int
        let reason: String
    }

    let ready: Bool
    let reasons: [Reason]

    /// Heartbeats come every second; a worker without one for this long is frozen or starved.
    static let longestSilence: Duration = .seconds(10)

    init(_ workers: [SlotReading], at now: Instant) {
        reasons = workers.enumerated().flatMap { slot, worker in
            Self.reasons(worker, at: now).map { Reason(slot: slot, reason: $0) }
        }
        ready = reasons.isEmpty
    }

    /// Each worker has its own connections, so each speaks of Redis and PostgreSQL for itself.
    private static func reasons(_ worker: SlotReading, at now: Instant) -> [String] {
        switch worker.state {
        case .absent: return ["no worker"]
        case .starting: return ["worker is starting"]
        case .draining: return ["worker is draining"]
        case .ready: break
        }
        var reasons: [String] = []
        let silence = now - worker.heartbeat
        if silence > longestSilence {
            reasons.append("no heartbeat for \(silence.components.seconds) s")
        }
        if worker.metrics[.redisUp] == 0 { reasons.append("Redis is away") }
        if worker.metrics[.postgresUp] == 0 { reasons.append("PostgreSQL is away") }
        return reasons
    }
}
