/// What a pool of workers looks like at one moment.

package import DeliveryCore
package import Scoreboard
package import Telemetry

package struct PoolStatus: Sendable {
    package struct Worker: Sendable {
        /// nil: between two lives.
        package var pid: Int32?
        /// The living one's, or the last one's.
        package var incarnation: Incarnation
        package var reading: SlotReading
    }

    /// By slot.
    package var workers: [Worker]
    /// Of all workers, living and dead, and of the supervisor.
    package var metrics: Metrics

    package var isReady: Bool { workers.allSatisfy { $0.reading.state == .ready } }
}
