/// The partitions' logs: written by expanders, read by their one owner.

package import DeliveryCore

extension RedisQueue {
    /// Appends fan-outs to logs, in order, as one pipeline; succeeds only when each has, be Redis full
    /// or not.
    ///
    /// After a failure some may stand in the logs: route all again, with `again` set.
    package func route(
        _ fanouts: [(PartitionNumber, Fanout)], completion: @escaping RedisCompletion<Void>
    ) {
        let additions = fanouts.map { partition, fanout in
            precondition(
                (1...LogEntry.inboxLimit).contains(fanout.inboxes.count),
                "an entry holds 1 to \(LogEntry.inboxLimit) inboxes")
            var command = RedisCommand("XADD", keys.log(partition), "*")
            command.append(fanout)
            return command
        }
        commands.send(additions) { [weak self] outcome in
            guard let self, case .failure(.outOfMemory) = outcome else {
                return completion(outcome.map { _ in })
            }
            routeThoughFull(fanouts.map(\.0), fanouts.map(\.1), completion: completion)
        }
    }

    /// Some of them may stand there already.
    private func routeThoughFull(
        _ partitions: [PartitionNumber], _ fanouts: [Fanout],
        completion: @escaping RedisCompletion<Void>
    ) {
        let gathering = Gathering<RedisReply>(count: fanouts.count, nextTurn: nextTurn) {
            completion($0.map { _ in })
        }
        for (index, (partition, fanout)) in zip(partitions, fanouts).enumerated() {
            var again = fanout
            again.again = true
            run(.route, keys: [keys.log(partition)]) {
                $0.append(again)
            } completion: {
                gathering.part(index)($0)
            }
        }
    }

    /// Reads on in all the given logs at once: up to `count` entries of each. Waits at most
    /// `blockMilliseconds` (0: not at all) for the first. One such read at a time.
    ///
    /// Without waiting, a log that is not in the answer had nothing. One that waits may end in a
    /// cluster before all logs were looked at.
    package func readLogs(
        _ logs: [(PartitionNumber, after: StreamID)], count: Int, blockMilliseconds: Int,
        completion: @escaping RedisCompletion<[(PartitionNumber, [LogEntry])]>
    ) {
        guard !logs.isEmpty else { return nextTurn.run { completion(.success([])) } }
        switch logReader {
        case .server(let reader):
            readLogs(logs, by: reader, count: count, blockMilliseconds, completion)
        case .cluster(let reader):
            let logs = logs.map {
                ClusterLogReader.Log(partition: $0.0, key: keys.log($0.0), after: $0.after)
            }
            reader.read(logs, count: count, blockMilliseconds: blockMilliseconds) { outcome in
                completion(
                    outcome.reading { replies throws(RedisFailure) in
                        var read: [(PartitionNumber, [LogEntry])] = []
                        for (partition, reply) in replies {
                            let entries = try reply.streams().flatMap(\.entries)
                            read.append((partition, entries.map(LogEntry.init)))
                        }
                        return read
                    })
            }
        }
    }

    private func readLogs(
        _ logs: [(PartitionNumber, after: StreamID)], by reader: BlockingReader, count: Int,
        _ blockMilliseconds: Int,
        _ completion: @escaping RedisCompletion<[(PartitionNumber, [LogEntry])]>
    ) {
        var command = RedisCommand("XREAD", "COUNT")
        command.append(count)
        command.appendBlock(milliseconds: blockMilliseconds)
        command.append("STREAMS")
        let names = logs.map { keys.log($0.0) }
        for name in names { command.append(name) }
        for (_, after) in logs { command.append(after.description) }
        let blocking = Duration.milliseconds(blockMilliseconds)
        reader.read(command, blocking: blocking) { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    try Self.logRead(reply, logs: zip(logs, names).map { ($0.0, $1) })
                })
        }
    }

    /// Makes a waiting ``readLogs(_:count:blockMilliseconds:completion:)`` answer soon, with
    /// nothing if nothing has come.
    package func interruptLogRead() {
        switch logReader {
        case .server(let reader): reader.interrupt()
        case .cluster(let reader): reader.interrupt()
        }
    }

    static func logRead(
        _ reply: RedisReply, logs: [(partition: PartitionNumber, name: String)]
    ) throws(RedisFailure) -> [(PartitionNumber, [LogEntry])] {
        var read: [(PartitionNumber, [LogEntry])] = []
        var rest = logs[...]
        for stream in try reply.streams() {
            // Redis answers in the order of the question and leaves out what has nothing.
            guard let place = rest.firstIndex(where: { $0.name == stream.key }) else {
                throw .malformed("a log that was asked for expected, not \(stream.key)")
            }
            let partition = rest[place].partition
            rest = rest[(place + 1)...]
            read.append((partition, stream.entries.map(LogEntry.init)))
        }
        return read
    }
}
