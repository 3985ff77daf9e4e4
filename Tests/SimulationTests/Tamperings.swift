import DeliveryCore
import Simulation

/// What a tampering remembers between two turns.
private final class Memory {
    var transmissions: [(made: Instant, Transmission)] = []
    var number: UInt64 = 1 << 60
    var last = Instant(nanoseconds: 0)
    var isDone = false
    var fanout: Fanout?

    /// The same once more, as if it were another.
    func copy(of transmission: Transmission) -> Transmission {
        number += 1
        var copy = transmission
        copy.token = TransferToken(rawValue: number)
        return copy
    }
}

/// Every transmission goes out so many times more.
func repeating(times: Int) -> Tampering {
    let memory = Memory()
    return Tampering(actions: { actions, _ in
        actions.map { action in
            guard case .send(let transmissions) = action else { return action }
            return .send(
                transmissions.flatMap { one in
                    [one] + (0..<times).map { _ in memory.copy(of: one) }
                })
        }
    })
}

/// A transmission that was made is made again, so long after.
func replaying(
    every pause: Duration, where fits: @escaping (TrafficKind) -> Bool
) -> Tampering {
    let memory = Memory()
    return Tampering(actions: { actions, world in
        for case .send(let transmissions) in actions {
            for one in transmissions {
                guard let kind = world.postgres.activity(one.activity)?.kind, fits(kind) else {
                    continue
                }
                memory.transmissions.append((world.now, one))
            }
        }
        guard let (_, first) = memory.transmissions.first, world.now - memory.last > pause else {
            return actions
        }
        // The first one several times, then the next.
        memory.last = world.now
        if fits(.note) == false { memory.transmissions.removeFirst() }
        return actions + [.send([memory.copy(of: first)])]
    })
}

/// Transmissions leave so much later.
func delaying(_ pause: Duration) -> Tampering {
    let memory = Memory()
    return Tampering(actions: { actions, world in
        var kept: [Action] = []
        for action in actions {
            if case .send(let transmissions) = action {
                memory.transmissions += transmissions.map { (world.now, $0) }
            } else {
                kept.append(action)
            }
        }
        let due = memory.transmissions.prefix { world.now - $0.made > pause }.map(\.1)
        memory.transmissions.removeFirst(due.count)
        return due.isEmpty ? kept : kept + [.send(due)]
    })
}

/// What was routed is given back to Redis a second time, with a lease that is just being renewed.
func givingBack() -> Tampering {
    let memory = Memory()
    return Tampering(actions: { actions, world in
        let fanouts = actions.lazy.compactMap { action -> [Fanout]? in
            guard case .route(_, let entries) = action else { return nil }
            return entries.map(\.fanout)
        }
        let leases = actions.lazy.compactMap { action -> OwnedLease? in
            guard case .renewLeases(let leases, _) = action else { return nil }
            return leases.first
        }
        memory.fanout = memory.fanout ?? fanouts.first?.first
        guard let fanout = memory.fanout, let lease = leases.first, !memory.isDone else {
            return actions
        }
        memory.isDone = true
        return actions + [.restore(lease, [fanout])]
    })
}

/// From the tenth second on, the first such action is not carried out.
func dropping(_ fits: @escaping (Action) -> Bool) -> Tampering {
    let memory = Memory()
    return Tampering(actions: { actions, world in
        guard !memory.isDone, world.age > .seconds(10),
            let place = actions.firstIndex(where: fits)
        else { return actions }
        memory.isDone = true
        var left = actions
        left.remove(at: place)
        return left
    })
}

extension Action {
    var withoutMoves: Action {
        guard case .resolve(let lease, let id, let resolutions) = self else { return self }
        return .resolve(lease, id, resolutions.map { Resolution(entry: $0.entry) })
    }
}

extension Event {
    var withoutLoss: Event {
        switch self {
        case .leasesRenewed(let kept, let lost, let sent):
            .leasesRenewed(kept: kept + lost, lost: [], sent: sent)
        case .fenced, .flushFenced: .ticked
        default: self
        }
    }

    var withoutPredecessors: Event {
        guard case .predecessorsFound(let id, let answers) = self else { return self }
        return .predecessorsFound(id, answers.map { _ in .these([]) })
    }

    var withoutControls: Event {
        if case .controlsChanged = self { .controlsChanged(Controls()) } else { self }
    }

    /// What fails, fails in a way that cannot be ours.
    var withHostsAtFault: Event {
        guard case .transferFinished(let token, .failed(_, let detail), _, _, let duration) = self
        else { return self }
        return .transferFinished(
            token, .failed(.tlsFailed, detail: detail), retryAfter: nil, duration: duration)
    }

    var withSuccess: Event {
        guard case .transferFinished(let token, _, _, _, let duration) = self else { return self }
        return .transferFinished(
            token, .answered(Answer(status: 202)), retryAfter: nil, duration: duration)
    }
}
