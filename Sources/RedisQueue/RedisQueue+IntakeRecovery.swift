/// Entries of expanders that are gone.

package import DeliveryCore

extension RedisQueue {
    /// Takes over up to `count` entries that are pending at consumers neither in `alive` nor
    /// ourselves, urgent ones first, and deletes such consumers once they have nothing pending.
    /// Entries that were deleted meanwhile are acked away. Fewer than `count`: no more are left.
    package func recoverIntake(
        alive: Set<Incarnation>, count: Int, completion: @escaping RedisCompletion<[IntakeEntry]>
    ) {
        run(.recoverIntake, keys: Lane.intake.map(keys.intake)) { command in
            command.append(QueueKeys.group)
            command.append(incarnation.rawValue)
            command.append(count)
            for worker in alive.sorted() { command.append(worker.rawValue) }
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    guard let lanes = reply.array else { throw .malformed("a list expected") }
                    var recovered: [IntakeEntry] = []
                    for item in lanes {
                        guard let parts = item.array, parts.count == 2,
                            let place = parts[0].integer, (1...3).contains(place)
                        else { throw .malformed("a lane and its entries expected") }
                        let lane = Lane.intake[Int(place) - 1]
                        recovered += try parts[1].entries().map { IntakeEntry(lane: lane, $0) }
                    }
                    return recovered
                })
        }
    }
}
