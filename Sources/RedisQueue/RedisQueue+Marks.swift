/// The generation of each partition's data: Redis without it has lost that partition.

package import DeliveryCore

extension RedisQueue {
    /// The generations on record; a partition without one, or with another than PostgreSQL's, is to
    /// be rebuilt before its log is read.
    package func readMarks(
        _ partitions: [PartitionNumber],
        completion: @escaping RedisCompletion<[PartitionNumber: Int64]>
    ) {
        let questions = partitions.map { RedisCommand("GET", keys.mark($0)) }
        commands.send(questions) { outcome in
            completion(
                outcome.map { replies in
                    var marks: [PartitionNumber: Int64] = [:]
                    for (partition, reply) in zip(partitions, replies) {
                        marks[partition] = reply.bytes.flatMap(Int64.init(decimal:))
                    }
                    return marks
                })
        }
    }

    /// Marks a partition as complete; ``RedisFailure/fenced`` when the lease is not ours.
    package func writeMark(
        _ lease: OwnedLease, generation: Int64, completion: @escaping RedisCompletion<Void>
    ) {
        let touched = [keys.mark(lease.partition), keys.lease(lease.partition)]
        run(.writeMark, keys: touched) { command in
            command.append(leaseValue(lease))
            command.append(generation)
        } completion: {
            completion($0.map { _ in })
        }
    }
}
