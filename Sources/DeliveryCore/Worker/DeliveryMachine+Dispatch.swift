/// From the hosts' queues to the wire: as many as there are slots, a host at a time.
extension DeliveryMachine {
    /// Fills the free slots. All transmissions of a turn leave together, so that their signatures
    /// can be made in one batch.
    mutating func dispatch() {
        // Without Redis a lease may be gone; without PostgreSQL results pile up: both stop here
        // only at their limit, because what is in memory may be sent while the lease lasts.
        guard settlement.unsettled < configuration.unsettledLimit else { return }
        var transmissions: [Transmission] = []
        while transfers.count < configuration.slots {
            guard let lane = rotation.next(among: ready.lanes),
                let id = ready.popFirst(lane)
            else { break }
            if let transmission = transmit(from: id, in: lane) {
                transmissions.append(transmission)
            }
        }
        if !transmissions.isEmpty { emit(.send(transmissions)) }
    }

    /// Takes one delivery of a host, if it may have one more in flight. A host that may not leaves
    /// the ring and comes back when a transfer of it ends or its pause is over.
    private mutating func transmit(from id: HostID, in lane: Lane) -> Transmission? {
        guard let host = hosts[id], !host.isSuspended(at: now),
            host.inFlight < configuration.hostWindow,
            let index = hosts[id]?.dequeue(lane)
        else { return nil }
        if hosts[id]?.first(lane) != nil { ready.insert(id, in: lane) }
        let delivery = deliveries[index.rawValue]
        if let expires = activities[delivery.activity]?.facts?.expires, expires <= wall {
            settle(index, .outcome(.expired, delivery.activity, delivery.inbox))
            return nil
        }
        deliveries[index.rawValue].profile = host.signatures.profile(at: now)
        deliveries[index.rawValue].hasKnocked = false
        deliveries[index.rawValue].hasReconnected = false
        hosts[id]?.inFlight += 1
        return transmission(of: index, onFreshConnection: false)
    }

    /// Names the attempt and marks the delivery as on its way.
    mutating func transmission(
        of index: DeliveryIndex, onFreshConnection: Bool
    ) -> Transmission {
        let token = TransferToken(rawValue: nextToken())
        transfers[token] = index
        deliveries[index.rawValue].phase = .sending(token)
        let delivery = deliveries[index.rawValue]
        guard let host = delivery.host else { preconditionFailure("sent without a host") }
        return Transmission(
            token: token, activity: delivery.activity, url: delivery.url,
            host: hosts[host]?.name ?? "", profile: delivery.profile,
            onFreshConnection: onFreshConnection)
    }

    /// Whether the transmission of this name is still wanted.
    package func isUnderWay(_ token: TransferToken) -> Bool { transfers[token] != nil }

    /// A host may have room again: its queues return to the rings.
    mutating func wake(_ id: HostID) {
        guard let host = hosts[id] else { return }
        for lane in Lane.allCases where host.first(lane) != nil { ready.insert(id, in: lane) }
    }

    /// Once a second: what has waited too long for a full window is held in Redis, so that its
    /// entry can end; hosts of which nothing would be missed are forgotten.
    mutating func sweepQueues() {
        guard now >= sweepDue else { return }
        sweepDue = now + .seconds(1)
        for (id, host) in hosts.sorted(by: { $0.key < $1.key }) {
            if host.isIdle {
                if hosts.count > Self.rememberedHosts { hosts[id] = nil }
            } else if host.inFlight >= configuration.hostWindow {
                holdOverdue(of: id)
            }
        }
    }

    /// Idle hosts beyond this many are forgotten; each takes about 200 bytes.
    static let rememberedHosts = 8_192

    private mutating func holdOverdue(of id: HostID) {
        for lane in Lane.allCases {
            while let index = hosts[id]?.first(lane),
                now - deliveries[index.rawValue].admitted > configuration.queueTime
            {
                _ = hosts[id]?.dequeue(lane)
                hold(index, atHead: deliveries[index.rawValue].hasWaited)
            }
        }
    }
}
