/// Which workers there are.

package import DeliveryCore

package struct Membership: Equatable, Sendable {
    /// Heard of within ``RedisQueue/aliveTime``, ourselves included.
    package var alive: Set<Incarnation>
    /// Counted up with every change of the controls; 0 before the first.
    package var controlEpoch: Int64

    package init(alive: Set<Incarnation>, controlEpoch: Int64) {
        self.alive = alive
        self.controlEpoch = controlEpoch
    }
}

extension RedisQueue {
    /// A worker not heard of for this long counts as gone, by Redis' clock.
    package static let aliveTime: Duration = .seconds(15)
    /// After this it is forgotten.
    package static let memoryTime: Duration = .seconds(60)

    /// Says that we live; answers who else does, and the epoch of the controls.
    ///
    /// Two commands in one pipeline: the keys stand in different slots.
    package func heartbeat(completion: @escaping RedisCompletion<Membership>) {
        let gathering = Gathering<RedisReply>(count: 2, nextTurn: nextTurn) { outcome in
            completion(
                outcome.reading { replies throws(RedisFailure) in
                    guard let names = replies[0].array else { throw .malformed("names expected") }
                    let alive = names.compactMap(\.text).map(Incarnation.init(rawValue:))
                    let epoch = replies[1].bytes.flatMap(Int64.init(decimal:)) ?? 0
                    return Membership(alive: Set(alive), controlEpoch: epoch)
                })
        }
        run(.heartbeat, keys: [keys.workers]) { command in
            command.append(incarnation.rawValue)
            command.append(Self.aliveTime.wholeMilliseconds)
            command.append(Self.memoryTime.wholeMilliseconds)
        } completion: {
            gathering.part(0)($0)
        }
        commands.send(
            RedisCommand("HGET", keys.control, "epoch"), completion: gathering.part(1))
    }

    /// Says that we are gone: the others need not wait for it to show.
    package func retire(completion: @escaping RedisCompletion<Void>) {
        let command = RedisCommand("ZREM", keys.workers, incarnation.rawValue)
        commands.send(command) { completion($0.map { _ in }) }
    }
}
