/// Whether Redis still has a partition's data, and the way back for what it has lost.

package import DeliveryCore

extension RedisQueue {
    /// What a partition's mark says (nil: it has none, or none that can be read), and the run id of
    /// the process that keeps the partition.
    package func examine(
        _ partition: PartitionNumber,
        completion: @escaping RedisCompletion<(mark: PartitionMark?, process: String)>
    ) {
        run(.examine, keys: [keys.mark(partition)]) { _ in
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    guard let parts = reply.array, parts.count == 2, let process = parts[1].text
                    else { throw .malformed("a mark and a run id expected") }
                    return (mark: parts[0].text.flatMap(PartitionMark.init), process: process)
                })
        }
    }

    /// Removes all that is left of a partition, its mark first; ``RedisFailure/fenced`` when the lease
    /// is not ours.
    package func clear(_ lease: OwnedLease, completion: @escaping RedisCompletion<Void>) {
        let partition = lease.partition
        let touched = [
            keys.log(partition), keys.lease(partition), keys.later(partition),
            keys.hosts(partition), keys.mark(partition), keys.heldPrefix(partition),
        ]
        run(.clearPartition, keys: touched) { command in
            command.append(leaseValue(lease))
        } completion: {
            completion($0.map { _ in })
        }
    }

    /// Appends fan-outs to the log of a partition of ours, in order; ``RedisFailure/fenced`` when it
    /// is not. After a failure they may stand there: again, they are known by their flag.
    package func restore(
        _ lease: OwnedLease, _ fanouts: [Fanout], completion: @escaping RedisCompletion<Void>
    ) {
        let touched = [keys.log(lease.partition), keys.lease(lease.partition)]
        run(.restore, keys: touched) { command in
            command.append(leaseValue(lease))
            for fanout in fanouts {
                command.append(Fanout.fieldCount)
                command.append(fanout)
            }
        } completion: {
            completion($0.map { _ in })
        }
    }

    /// Says that a partition is whole; ``RedisFailure/fenced`` when the lease is not ours, or another
    /// process than this one answers.
    package func writeMark(
        _ lease: OwnedLease, _ mark: PartitionMark, process: String,
        completion: @escaping RedisCompletion<Void>
    ) {
        let touched = [keys.mark(lease.partition), keys.lease(lease.partition)]
        run(.writeMark, keys: touched) { command in
            command.append(leaseValue(lease))
            command.append(mark.text)
            command.append(process)
        } completion: {
            completion($0.map { _ in })
        }
    }
}
