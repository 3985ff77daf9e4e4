internal import DeliveryCore
internal import PostgresStore

extension StoreFlush {
    /// The core's batch as the store writes it, under the name that makes a repetition harmless.
    init(_ batch: FlushBatch, id: FlushID, worker: Incarnation) {
        self.init(worker: worker, sequence: id.rawValue)
        fences = batch.fences
        outcomes = batch.outcomes.map {
            Outcome(activity: $0.activity, state: $0.state, inboxes: $0.inboxes, epoch: $0.epoch)
        }
        failures = batch.failures.map {
            Failure(
                activity: $0.activity, inbox: $0.inbox, reason: $0.reason, status: $0.status,
                detail: $0.detail)
        }
        attempts = batch.attempts.map {
            Attempt(
                activity: $0.activity, inbox: $0.inbox, at: $0.at, number: $0.number,
                reason: $0.reason, status: $0.status, duration: $0.duration, detail: $0.detail,
                excerpt: $0.excerpt)
        }
        revivedInboxes = batch.revivedInboxes
        hosts = batch.hosts.map {
            HostUpdate(
                host: $0.host, state: $0.state.rawValue, concurrencyWindow: $0.window,
                condition: $0.condition)
        }
    }
}
