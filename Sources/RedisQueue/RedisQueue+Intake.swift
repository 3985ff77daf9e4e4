/// Producers' entries: read, end, set aside.

package import DeliveryCore

package struct IntakeEntry: Sendable {
    package var lane: Lane
    package var id: StreamID
    /// As the producer wrote them; a name that is not UTF-8 is repaired, and so is unknown.
    package var fields: [(name: String, value: [UInt8])]

    package init(lane: Lane, id: StreamID, fields: [(name: String, value: [UInt8])]) {
        self.lane = lane
        self.id = id
        self.fields = fields
    }

    init(lane: Lane, _ entry: StreamEntry) {
        self.init(
            lane: lane, id: entry.id,
            fields: stride(from: 0, to: entry.fields.count, by: 2).map {
                (name: entry.fields[$0].text ?? "", value: entry.fields[$0 + 1].bytes ?? [])
            })
    }
}

package struct RejectedEntry: Sendable {
    package var lane: Lane
    package var id: StreamID
    package var rejection: Rejection
    package var fields: [(name: String, value: [UInt8])]

    package init(
        lane: Lane, id: StreamID, rejection: Rejection,
        fields: [(name: String, value: [UInt8])]
    ) {
        self.lane = lane
        self.id = id
        self.rejection = rejection
        self.fields = fields
    }

    package init(_ entry: IntakeEntry, rejection: Rejection) {
        self.init(lane: entry.lane, id: entry.id, rejection: rejection, fields: entry.fields)
    }
}

extension RedisQueue {
    /// About how many rejected entries are kept; older ones go.
    static let rejectedLimit = 10_000
    /// Bytes kept of each name and each value of a rejected entry.
    static let rejectedValueLimit = 1_024
    /// Fields kept of a rejected entry: more than the contract has.
    static let rejectedFieldLimit = 16

    /// New entries of these lanes (one at least), in their order: up to `count` of *each*. Waits at
    /// most `blockMilliseconds` (0: not at all) for the first. One such read at a time.
    package func readIntake(
        _ lanes: [Lane] = Lane.intake, count: Int, blockMilliseconds: Int,
        completion: @escaping RedisCompletion<[IntakeEntry]>
    ) {
        let command = intakeRead(lanes, count: count, blockMilliseconds: blockMilliseconds)
        let blocking = Duration.milliseconds(blockMilliseconds)
        intakeReader.read(command, blocking: blocking) { [weak self] outcome in
            guard let self, case .failure(let failure) = outcome,
                failure.isRefusal("NOGROUP") || failure.isRefusal("UNBLOCKED")
            else { return completion(outcome.reading(Self.intakeEntries(keys: self?.keys))) }
            readIntakeAnew(lanes, count: count, completion: completion)
        }
    }

    /// Makes a waiting ``readIntake(_:count:blockMilliseconds:completion:)`` answer soon, with
    /// nothing if nothing has come.
    package func interruptIntakeRead() { intakeReader.interrupt() }

    /// Acks and deletes entries, each lane's in one command; unknown ones are passed over.
    package func finishIntake(
        _ entries: [(Lane, StreamID)], completion: @escaping RedisCompletion<Void>
    ) {
        guard !entries.isEmpty else { return nextTurn.run { completion(.success(())) } }
        var ids: [Lane: [StreamID]] = [:]
        for (lane, id) in entries { ids[lane, default: []].append(id) }
        let lanes = ids.keys.sorted()
        run(.finishIntake, keys: lanes.map(keys.intake)) { command in
            command.append(QueueKeys.group)
            for lane in lanes {
                let ids = ids[lane, default: []]
                command.append(ids.count)
                for id in ids { command.append(id.description) }
            }
        } completion: {
            completion($0.map { _ in })
        }
    }

    /// Moves entries to the rejected ones, with the reason and the start of each field.
    ///
    /// A record there has `lane`, `id`, `at` (milliseconds), `code`, `reason`, and the entry's own
    /// fields as `field:NAME`, because a producer's entry may itself have an `id`.
    package func rejectIntake(
        _ entries: [RejectedEntry], at now: WallTime, completion: @escaping RedisCompletion<Void>
    ) {
        guard !entries.isEmpty else { return nextTurn.run { completion(.success(())) } }
        let streams = [keys.rejected] + Lane.intake.map(keys.intake)
        run(.rejectIntake, keys: streams) { command in
            command.append(QueueKeys.group)
            command.append(Self.rejectedLimit)
            for entry in entries { command.append(entry, at: now) }
        } completion: {
            completion($0.map { _ in })
        }
    }

    private func intakeRead(_ lanes: [Lane], count: Int, blockMilliseconds: Int) -> RedisCommand {
        var command = RedisCommand("XREADGROUP", "GROUP", QueueKeys.group, incarnation.rawValue)
        command.append("COUNT")
        command.append(count)
        command.appendBlock(milliseconds: blockMilliseconds)
        command.append("STREAMS")
        for lane in lanes { command.append(keys.intake(lane)) }
        for _ in lanes { command.append(">") }
        return command
    }

    /// The groups are gone (FLUSHALL, a replica that never had them). Reads once more, without
    /// waiting: an interrupt that came meanwhile has found no read to end.
    private func readIntakeAnew(
        _ lanes: [Lane], count: Int, completion: @escaping RedisCompletion<[IntakeEntry]>
    ) {
        commands.send(createGroups) { [weak self] outcome in
            guard let self, case .success = outcome else {
                return completion(outcome.map { _ in [] })
            }
            let command = intakeRead(lanes, count: count, blockMilliseconds: 0)
            intakeReader.read(command, blocking: .zero) { [keys] in
                completion($0.reading(Self.intakeEntries(keys: keys)))
            }
        }
    }

    static func intakeEntries(
        keys: QueueKeys?
    ) -> (RedisReply) throws(RedisFailure) -> [IntakeEntry] {
        { (reply: RedisReply) throws(RedisFailure) in
            var entries: [IntakeEntry] = []
            for stream in try reply.streams() {
                guard let lane = Lane.intake.first(where: { keys?.intake($0) == stream.key })
                else { throw .malformed("a lane's stream expected, not \(stream.key)") }
                entries += stream.entries.map { IntakeEntry(lane: lane, $0) }
            }
            return entries
        }
    }
}

extension RedisCommand {
    /// BLOCK 0 would wait for ever; our 0 is not to wait.
    mutating func appendBlock(milliseconds: Int) {
        guard milliseconds > 0 else { return }
        append("BLOCK")
        append(milliseconds)
    }

    fileprivate mutating func append(_ entry: RejectedEntry, at now: WallTime) {
        let kept = entry.fields.prefix(RedisQueue.rejectedFieldLimit)
        append(Int(entry.lane.rawValue) + 1)
        append(entry.id.description)
        append(2 * (5 + kept.count))
        append("lane")
        append(entry.lane.name)
        append("id")
        append(entry.id.description)
        append("at")
        append(now.milliseconds)
        append("code")
        append(entry.rejection.code)
        append("reason")
        append(entry.rejection.reason)
        for field in kept {
            append(Array("field:\(field.name)".utf8.prefix(RedisQueue.rejectedValueLimit)))
            append(field.value.prefix(RedisQueue.rejectedValueLimit))
        }
    }
}
