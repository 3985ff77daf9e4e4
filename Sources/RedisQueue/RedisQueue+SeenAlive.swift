/// Hints that a host was seen alive: one command of the main server, in any language.
///
///     XADD trunkline:alive * host remote.example

package import DeliveryCore

extension RedisQueue {
    /// About as many hints are kept, whatever producers write.
    package static let keptHints = 10_000

    /// The hosts that were named since the last call, at most ten thousand of them; what is no hint
    /// is passed over.
    ///
    /// - Parameter since: for the first call.
    package func readSeenAlive(
        since: WallTime, completion: @escaping RedisCompletion<Set<String>>
    ) {
        let after =
            hintsReadTo ?? StreamID(milliseconds: UInt64(max(since.milliseconds, 0)), sequence: 0)
        let command = RedisCommand(
            "XREAD", "COUNT", "\(Self.keptHints)", "STREAMS", keys.alive, "\(after)")
        commands.send(command) { [weak self] result in
            completion(
                result.reading { reply throws(RedisFailure) in
                    let entries = try reply.streams().flatMap(\.entries)
                    if let last = entries.last?.id { self?.hintsReadTo = last }
                    return Set(
                        entries.compactMap { $0["host"] }.map {
                            String(decoding: $0, as: UTF8.self).lowercased()
                        })
                })
        }
    }

    /// Forgets old hints: producers need not.
    package func trimSeenAlive(completion: @escaping RedisCompletion<Void>) {
        let command = RedisCommand("XTRIM", keys.alive, "MAXLEN", "~", "\(Self.keptHints)")
        commands.send(command) { completion($0.map { _ in }) }
    }
}
