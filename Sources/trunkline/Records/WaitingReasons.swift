internal import DeliveryCore
internal import PostgresStore

/// Says in words why a delivery has not ended yet: the first of these that holds.
struct WaitingReasons {
    private let activity: ActivityRecord
    private let hosts: [String: HostSummary]
    private let pauses: [Control]
    /// nil: Redis could not be asked.
    private let aliveWorkers: Int?

    init(
        activity: ActivityRecord, hosts: [HostSummary], controls: [Control], aliveWorkers: Int?
    ) {
        self.activity = activity
        self.hosts = Dictionary(hosts.map { ($0.name, $0) }) { first, _ in first }
        pauses = controls.filter { $0.kind != "limit" }
        self.aliveWorkers = aliveWorkers
    }

    func reason(for delivery: DeliveryRecord) -> String {
        let pause = pauses.first {
            $0.applies(host: delivery.host, lane: activity.lane.name, keyID: activity.keyID)
        }.map(Self.sentence)
        if let parked = activity.parkedReason {
            if parked.hasPrefix(ParkedReason.pausedSender) {
                return pause
                    ?? "its sender was paused: it goes within a minute, if its key is there"
            }
            if parked.hasPrefix(ParkedReason.released) {
                return pause
                    ?? "\(ParkedReason.released): it goes within a minute, if its key is there"
            }
            return "its key is missing: add it with `trunkline keys add --key-id "
                + "\(activity.keyID) --pem FILE`" + (pause.map { "; besides, \($0)" } ?? "")
        }
        if let pause { return pause }
        if aliveWorkers == 0 { return "no worker runs: start one with `trunkline run`" }
        if let host = delivery.host.flatMap({ hosts[$0] }), let reason = Self.reason(host) {
            return reason
        }
        if let error = delivery.lastError {
            return
                "tried \(delivery.attempts == 1 ? "once" : "\(delivery.attempts) times"), and will be tried again; the last time: "
                + error
        }
        if let host = delivery.host.flatMap({ hosts[$0] }), let error = host.lastError {
            return
                "\(host.name) failed last (\(error)): it goes after what was sent before it about "
                + "the same object, when that is tried again"
        }
        return "it is in the queue and was not tried yet"
    }

    /// Of a lane or a sender, what must happen next, too.
    private static func sentence(_ control: Control) -> String {
        guard control.isOfLaneOrSender else { return control.sentence }
        let end = control.until == nil ? "" : "when that is over, or "
        return "\(control.sentence); it goes \(end)up to 15 minutes after \(control.resumption)"
    }

    /// nil: nothing is wrong with the host.
    private static func reason(_ host: HostSummary) -> String? {
        let error = host.lastError.map { " (\($0))" } ?? ""
        if let until = host.suspendedUntil {
            return "\(host.name) asked for a pause until \(until)\(error)"
        }
        guard host.state != "closed" else { return nil }
        let since = host.failingSince.map { " since \($0)" } ?? ""
        let next = host.probeDue.map { ", the next from \($0) on" } ?? ""
        return "\(host.name) is failing\(since)\(error): one probe at a time is sent\(next), and "
            + "the rest follows when it succeeds (`trunkline probe` does not wait)"
    }
}
