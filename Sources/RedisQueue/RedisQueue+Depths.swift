/// How much stands where, for metrics.

package import DeliveryCore

package struct QueueDepths: Equatable, Sendable {
    package struct Intake: Equatable, Sendable {
        /// Entries that are not yet expanded, pending ones included.
        package var length = 0
        /// Those that an expander has in hand.
        package var pending = 0

        package init(length: Int = 0, pending: Int = 0) {
            self.length = length
            self.pending = pending
        }
    }

    package struct Partition: Equatable, Sendable {
        package var log = 0
        package var later = 0

        package init(log: Int = 0, later: Int = 0) {
            self.log = log
            self.later = later
        }
    }

    package var lanes: [Lane: Intake] = [:]
    package var rejected = 0
    package var partitions: [PartitionNumber: Partition] = [:]

    package init() {}
}

extension RedisQueue {
    package func depths(
        partitions: [PartitionNumber], completion: @escaping RedisCompletion<QueueDepths>
    ) {
        var questions: [RedisCommand] = [RedisCommand("XLEN", keys.rejected)]
        for lane in Lane.intake {
            questions.append(RedisCommand("XLEN", keys.intake(lane)))
            questions.append(RedisCommand("XPENDING", keys.intake(lane), QueueKeys.group))
        }
        for partition in partitions {
            questions.append(RedisCommand("XLEN", keys.log(partition)))
            questions.append(RedisCommand("ZCARD", keys.later(partition)))
        }
        commands.send(questions) { outcome in
            completion(
                outcome.reading { replies throws(RedisFailure) in
                    var answers = replies[...]
                    var depths = QueueDepths()
                    depths.rejected = try answers.popCount()
                    for lane in Lane.intake {
                        depths.lanes[lane] = QueueDepths.Intake(
                            length: try answers.popCount(), pending: try answers.popCount())
                    }
                    for partition in partitions {
                        depths.partitions[partition] = QueueDepths.Partition(
                            log: try answers.popCount(), later: try answers.popCount())
                    }
                    return depths
                })
        }
    }
}

extension ArraySlice<RedisReply> {
    /// A number, or the number that an XPENDING summary starts with.
    fileprivate mutating func popCount() throws(RedisFailure) -> Int {
        let reply = removeFirst()
        guard let count = reply.integer ?? reply.array?.first?.integer else {
            throw .malformed("a count expected")
        }
        return Int(count)
    }
}
