/// While it is us who are away: no host is judged, nothing is used up, and canaries try the way.
///
/// What was sent in vain goes back into its host's queue in memory, as if it had not been sent; what
/// comes from the logs joins it until the worker has no more room.
extension DeliveryMachine {
    /// The time that circuits go by: it stands still while nobody can be reached, so that no probe
    /// is due then and no host dies of it.
    var circuitTime: Instant { connectivity.absence?.since ?? now }

    // MARK: Evidence

    /// What an exchange says of our own way out. True: and nothing else, so it was not made.
    mutating func excuses(
        _ index: DeliveryIndex, _ exchange: Exchange, at id: HostID, _ host: Host
    ) -> Bool {
        let sent = deliveries[index.rawValue].sent
        switch exchange {
        case .answered:
            if let length = connectivity.answered(sent: sent, at: now) { comeBack(after: length) }
            connectivity.heard(id, isAnswer: true, sent: sent, at: now)
            connectivity.endSlowStart(at: configuration.slots)
            hosts[id]?.lastAnswer = now
            return false
        case .failed(let failure, _):
            guard failure.mayBeOurs else { return false }
            guard connectivity.excuses(sent: sent) else {
                if isWitness(host) {
                    connectivity.heard(id, isAnswer: false, sent: sent, at: now)
                }
                return false
            }
            connectivity.canaryFailed(sent: sent)
            putBack(index)
            wake(id)
            return true
        }
    }

    /// It has answered before, and nobody has given it up: that it is silent says something.
    private func isWitness(_ host: Host) -> Bool {
        guard !host.circuit.isOpen, let success = host.lastSuccess else { return false }
        return wall - success < Circuit.deadAfter
    }

    private mutating func putBack(_ index: DeliveryIndex) {
        freeSlot(of: index)
        withdrawProbe(index)
        deliveries[index.rawValue].phase = .queued
        deliveries[index.rawValue].hasWaited = true
        deliveries[index.rawValue].isFollower = false
        let entry = deliveries[index.rawValue].entry
        if case .owned = partitions[entries[entry.rawValue].partition] {
            place(index)
        } else {
            // Its partition is being handed back: it must not wait here.
            hold(index, atHead: true)
        }
    }

    // MARK: Going and coming back

    mutating func watchConnectivity() {
        guard let silent = connectivity.leave(at: now) else { return }
        note(
            .warning,
            "our network or name server is away: \(silent.count) hosts that answered before are "
                + "silent at once; nothing but canaries is sent until one of them answers")
        // Those that it has made look dead are not.
        for id in Set(silent + openedSinceAnyAnswered).sorted() { forgive(id) }
    }

    /// With little to send circuits may have opened long before it was noticed.
    private var openedSinceAnyAnswered: [HostID] {
        guard let answered = connectivity.newestAnswered else { return [] }
        return hosts.ids { host in
            host.circuit.outage.map { $0.since > answered && !$0.isAnswering } ?? false
        }
    }

    private mutating func forgive(_ id: HostID) {
        guard let host = hosts[id] else { return }
        let probe = takeBackProbe(of: id)
        hosts[id]?.circuit = Circuit()
        if host.circuit.isOpen {
            probing.remove(id)
            waitingHosts[id] = now
            report(id)
        }
        offerAll(of: id)
        if let probe { place(probe) }
    }

    private mutating func comeBack(after length: Duration) {
        note(
            .warning,
            "our network is back after \(length.wholeMilliseconds / 1_000) s; sending starts "
                + "slowly")
        for (id, host) in hosts {
            guard let outage = host.circuit.outage else { continue }
            // Of one that opened meanwhile no more than its age.
            hosts[id]?.circuit.skipped(min(length, now - outage.since))
        }
    }

    // MARK: Canaries

    /// Those that answered last are the likeliest to answer first; each has its turn.
    mutating func canaries() -> [Transmission] {
        guard connectivity.mayTry(at: now), let absence = connectivity.absence else { return [] }
        let inFlight = transfers.values.count { deliveries[$0.rawValue].sent >= absence.since }
        let count = min(Connectivity.canaries, Connectivity.canaryLimit - inFlight)
        var candidates: [(wasTried: Int, age: Duration, host: HostID)] = []
        for (id, host) in hosts where host.queued > 0 && !host.circuit.isOpen {
            guard host.hasRoom(at: now) else { continue }
            let age = host.lastAnswer.map { now - $0 } ?? (host.lastSuccess.map { wall - $0 })
            let wasTried = absence.tried.contains(id) ? 1 : 0
            candidates.append((wasTried, age ?? Circuit.deadAfter, id))
        }
        let chosen = candidates.sorted { $0 < $1 }.prefix(max(count, 0))
        let areLast = chosen.contains { $0.wasTried > 0 }
        connectivity.tried(chosen.map(\.host), areLast: areLast, at: now)
        return chosen.compactMap { candidate in
            guard let key = hosts[candidate.host]?.queues.keys.min() else { return nil }
            return takeFirst(of: candidate.host, key)
        }
    }
}
