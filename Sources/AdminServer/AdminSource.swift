/// What the admin server shows, asked for anew with every request.

package import DeliveryCore
package import Scoreboard
package import Telemetry

package struct AdminSource: Sendable {
    /// One reading for each slot; an `absent` one where no worker lives.
    package var workers: @Sendable () async -> [SlotReading]
    /// Of all workers together and of the supervisor.
    package var metrics: @Sendable () async -> Metrics
    /// The clock of the workers' heartbeats.
    package var now: @Sendable () -> Instant

    package init(
        workers: @escaping @Sendable () async -> [SlotReading],
        metrics: @escaping @Sendable () async -> Metrics,
        now: @escaping @Sendable () -> Instant
    ) {
        self.workers = workers
        self.metrics = metrics
        self.now = now
    }
}
