/// Entries of expanders that are gone.

package import DeliveryCore

extension RedisQueue {
    /// Takes over up to `count` entries of these lanes, in their order: those pending at consumers not in
    /// `alive` and idle for `idle`, and our own that are idle for `ownIdle`. Absent consumers are
    /// deleted once they have nothing pending.
    /// Entries that were deleted meanwhile are acked away. Fewer than `count`: no more are left.
    package func recoverIntake(
        _ lanes: [Lane] = Lane.intake, alive: Set<Incarnation>, count: Int,
        idle: Duration = .seconds(5), ownIdle: Duration = .seconds(30),
        completion: @escaping RedisCompletion<[IntakeEntry]>
    ) {
        run(.recoverIntake, keys: lanes.map(keys.intake)) { command in
            command.append(QueueKeys.group)
            command.append(incarnation.rawValue)
            command.append(count)
            command.append(idle.wholeMilliseconds)
            command.append(ownIdle.wholeMilliseconds)
            for worker in alive.sorted() { command.append(worker.rawValue) }
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    guard let found = reply.array else { throw .malformed("a list expected") }
                    var recovered: [IntakeEntry] = []
                    for item in found {
                        guard let parts = item.array, parts.count == 2,
                            let place = parts[0].integer, lanes.indices.contains(Int(place) - 1)
                        else { throw .malformed("a lane and its entries expected") }
                        let lane = lanes[Int(place) - 1]
                        recovered += try parts[1].entries().map { IntakeEntry(lane: lane, $0) }
                    }
                    return recovered
                })
        }
    }
}
