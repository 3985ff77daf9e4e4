/// The moves between log, held and later: fenced, each in one step.

package import DeliveryCore

extension RedisQueue {
    /// The end of one log entry: what is still owed goes where it says, the rest is settled.
    package struct Resolution: Equatable, Sendable {
        package var entry: StreamID
        package var holds: [Hold]
        package var laters: [Later]
        package var hostStates: [HostState]

        package init(
            entry: StreamID, holds: [Hold] = [], laters: [Later] = [], hostStates: [HostState] = []
        ) {
            self.entry = entry
            self.holds = holds
            self.laters = laters
            self.hostStates = hostStates
        }

        package struct Hold: Equatable, Sendable {
            package var host: HostID
            /// What has failed goes back to the front, in its order; what is fresh to the end.
            package var front: Bool
            package var pointers: [DeliveryPointer]

            package init(host: HostID, front: Bool, pointers: [DeliveryPointer]) {
                self.host = host
                self.front = front
                self.pointers = pointers
            }
        }

        package typealias Later = DeliveryCore.Resolution.Later

        /// Opaque here: what the next owner is to know of a host with a backlog.
        package struct HostState: Equatable, Sendable {
            package var host: HostID
            package var state: String

            package init(host: HostID, state: String) {
                self.host = host
                self.state = state
            }
        }

        /// Nothing of it is owed any more.
        fileprivate var isPlain: Bool { holds.isEmpty && laters.isEmpty && hostStates.isEmpty }
    }

    /// Ends log entries: one script, all or nothing, ``RedisFailure/fenced`` when the lease is not
    /// ours at this epoch.
    ///
    /// An entry that has ended before is passed over with all that it brings, so a call whose
    /// answer was lost can be repeated. Works while Redis is full.
    package func resolve(
        _ lease: OwnedLease, _ resolutions: [Resolution],
        completion: @escaping RedisCompletion<Void>
    ) {
        guard !resolutions.isEmpty else { return nextTurn.run { completion(.success(())) } }
        let partition = lease.partition
        var touched = [keys.log(partition), keys.lease(partition)]
        if resolutions.allSatisfy(\.isPlain) {
            return run(.endEntries, keys: touched) { command in
                command.append(leaseValue(lease))
                for resolution in resolutions { command.append(resolution.entry.description) }
            } completion: {
                completion($0.map { _ in })
            }
        }
        touched += [keys.later(partition), keys.hosts(partition), keys.heldPrefix(partition)]
        run(.resolve, keys: touched) { command in
            command.append(leaseValue(lease))
            for resolution in resolutions { command.append(resolution) }
        } completion: {
            completion($0.map { _ in })
        }
    }

    /// Brings up to `count` (at most ``LogEntry/inboxLimit``) deliveries from the head of a host's
    /// held queue back, as one log entry (nil: nothing was held). With none remaining the host's state is dropped.
    package func release(
        _ lease: OwnedLease, _ host: HostID, count: Int,
        completion: @escaping RedisCompletion<(entry: StreamID?, remaining: Int)>
    ) {
        let partition = lease.partition
        let touched = [
            keys.log(partition), keys.lease(partition), keys.hosts(partition),
            keys.held(partition, host),
        ]
        run(.release, keys: touched) { command in
            command.append(leaseValue(lease))
            command.append(host.rawValue)
            command.append(min(max(count, 0), LogEntry.inboxLimit))
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    guard let parts = reply.array, parts.count == 2, let id = parts[0].text,
                        let remaining = parts[1].integer
                    else { throw .malformed("an entry's id and an integer expected") }
                    // Without anything held it is empty.
                    return (entry: StreamID(id), remaining: Int(remaining))
                })
        }
    }

    /// Brings up to `count` (at most ``LogEntry/inboxLimit``) deliveries from `later` whose time
    /// has come back, as one log entry; answers when the next one is due, which may have passed.
    package func releaseDue(
        _ lease: OwnedLease, now: WallTime, count: Int,
        completion: @escaping RedisCompletion<(moved: Int, nextDue: WallTime?)>
    ) {
        let partition = lease.partition
        let touched = [keys.log(partition), keys.lease(partition), keys.later(partition)]
        run(.releaseDue, keys: touched) { command in
            command.append(leaseValue(lease))
            command.append(now.milliseconds)
            command.append(min(max(count, 0), LogEntry.inboxLimit))
        } completion: { outcome in
            completion(
                outcome.reading { reply throws(RedisFailure) in
                    guard let parts = reply.array, let moved = parts.first?.integer else {
                        throw .malformed("one or two integers expected")
                    }
                    let due = parts.dropFirst().first?.integer
                    return (moved: Int(moved), nextDue: due.map { WallTime(milliseconds: $0) })
                })
        }
    }

    /// What waits in a partition, as a new owner has to know it.
    package struct Backlog: Sendable {
        /// Every host with a state, and how much is held for it.
        package var hosts: [(HostID, state: String, held: Int)] = []
        /// What is due first in `later`, as far as it stands in a chain.
        package var later: [Resolution.Later] = []
    }

    /// So many of `later` are looked at: 64 partitions of them are 20 MB for a moment. What is due
    /// after them may be overtaken by a successor once its partition has another owner.
    package static let inheritedLimit = 8_192

    /// What a new owner reads first. Three round trips; not fenced, so read it holding the lease.
    package func loadBacklog(
        _ partition: PartitionNumber, completion: @escaping RedisCompletion<Backlog>
    ) {
        loadHostStates(partition) { [weak self] outcome in
            guard let self, case .success(let hosts) = outcome else {
                return completion(outcome.map { _ in Backlog() })
            }
            let last = Self.inheritedLimit - 1
            let command = RedisCommand(
                "ZRANGE", keys.later(partition), "0", "\(last)", "WITHSCORES")
            commands.send(command) { outcome in
                completion(
                    outcome.reading { reply throws(RedisFailure) in
                        Backlog(hosts: hosts, later: try Self.later(reply))
                    })
            }
        }
    }

    static func later(_ reply: RedisReply) throws(RedisFailure) -> [Resolution.Later] {
        guard let parts = reply.array, parts.count.isMultiple(of: 2) else {
            throw .malformed("deliveries and their times expected")
        }
        var found: [Resolution.Later] = []
        for index in stride(from: 0, to: parts.count, by: 2) {
            // One that cannot be read is nobody's predecessor, and must not keep its partition from
            // having an owner.
            guard let bytes = parts[index].bytes,
                let due = parts[index + 1].text.flatMap({ Int64($0) }),
                let later = Resolution.Later(bytes: bytes, due: WallTime(milliseconds: due)),
                later.chain != nil
            else { continue }
            found.append(later)
        }
        return found
    }

    private func loadHostStates(
        _ partition: PartitionNumber,
        completion: @escaping RedisCompletion<[(HostID, state: String, held: Int)]>
    ) {
        commands.send(RedisCommand("HGETALL", keys.hosts(partition))) { [weak self] outcome in
            let states = outcome.reading(Self.hostStates)
            guard let self, case .success(let states) = states else {
                return completion(states.map { _ in [] })
            }
            let lengths = states.map { RedisCommand("LLEN", self.keys.held(partition, $0.host)) }
            commands.send(lengths) { outcome in
                completion(
                    outcome.reading { replies throws(RedisFailure) in
                        var result: [(HostID, state: String, held: Int)] = []
                        for (host, reply) in zip(states, replies) {
                            let held = Int(try reply.expectInteger())
                            result.append((host.host, state: host.state, held: held))
                        }
                        return result
                    })
            }
        }
    }

    static func hostStates(
        _ reply: RedisReply
    ) throws(RedisFailure) -> [Resolution.HostState] {
        guard let parts = reply.array, parts.count.isMultiple(of: 2) else {
            throw .malformed("hosts and their states expected")
        }
        var states: [Resolution.HostState] = []
        for index in stride(from: 0, to: parts.count, by: 2) {
            guard let host = parts[index].text.flatMap({ Int32($0) }),
                let state = parts[index + 1].text
            else { throw .malformed("a host id and its state expected") }
            states.append(.init(host: HostID(rawValue: host), state: state))
        }
        return states
    }
}

extension RedisCommand {
    /// In the order in which `resolve.lua` takes it.
    fileprivate mutating func append(_ resolution: RedisQueue.Resolution) {
        append(resolution.entry.description)
        append(resolution.holds.count)
        for hold in resolution.holds {
            append(hold.host.rawValue)
            append(hold.front ? "head" : "tail")
            append(hold.pointers)
        }
        append(resolution.laters.count)
        for later in resolution.laters {
            append(later.due.milliseconds)
            append(later.bytes)
        }
        append(resolution.hostStates.count)
        for entry in resolution.hostStates {
            append(entry.host.rawValue)
            append(entry.state)
        }
    }
}
