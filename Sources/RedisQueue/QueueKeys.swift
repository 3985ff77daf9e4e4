/// The name of every key that the queue has in Redis: the contract that producers, operators'
/// scripts and all workers share (DESIGN.md section 3).
///
/// Braces are hash tags: what one script touches stands in one slot of a Redis Cluster.

package import DeliveryCore

package struct QueueKeys: Equatable, Sendable {
    package let prefix: String

    package init(prefix: String = "trunkline:") { self.prefix = prefix }

    /// Stream with the group ``group``: what producers XADD to.
    package func intake(_ lane: Lane) -> String { "\(prefix){intake}:\(lane.name)" }
    /// Stream: malformed entries, with the reason.
    package var rejected: String { "\(prefix){intake}:rejected" }
    /// A hint to producers whether to slow down.
    package var intakeState: String { "\(prefix){intake}:state" }

    /// Stream: what is owed and in hand.
    package func log(_ partition: PartitionNumber) -> String { tagged(partition, "log") }
    /// List: pointers of deliveries that wait for a host.
    package func held(_ partition: PartitionNumber, _ host: HostID) -> String {
        heldPrefix(partition) + String(host.rawValue)
    }
    /// What the names of a partition's held lists start with; a script appends the host id.
    package func heldPrefix(_ partition: PartitionNumber) -> String { tagged(partition, "held:") }
    /// Hash: the circuit state of every host with a backlog.
    package func hosts(_ partition: PartitionNumber) -> String { tagged(partition, "hosts") }
    /// Sorted set: single deliveries with their own delay, by when they are due.
    package func later(_ partition: PartitionNumber) -> String { tagged(partition, "later") }
    /// String: the owner and its epoch.
    package func lease(_ partition: PartitionNumber) -> String { tagged(partition, "lease") }
    /// String: the generation of this partition's data, and how far it goes (``PartitionMark``).
    package func mark(_ partition: PartitionNumber) -> String { tagged(partition, "mark") }

    /// Sorted set: when each worker was last heard of.
    package var workers: String { "\(prefix)workers" }
    /// Stream: hosts that somebody has heard from, in the field `host`.
    package var alive: String { "\(prefix)alive" }
    /// Hash, and the channel on which its changes are told.
    package var control: String { "\(prefix)control" }

    /// The consumer group of the intake lanes.
    package static let group = "expand"

    private func tagged(_ partition: PartitionNumber, _ name: String) -> String {
        "\(prefix){p\(partition.rawValue)}:\(name)"
    }
}
