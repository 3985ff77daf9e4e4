internal import DequeModule

/// From the hosts' queues to the wire: which delivery goes next, as long as there are slots.
///
/// Lanes in weighted turns, inside a lane the senders in fair turns, of a sender one host after the
/// other, of a host the oldest: a slot is never idle while something may be sent.
extension DeliveryMachine {
    /// Fills the free slots. All transmissions of a turn leave together, so that their signatures
    /// can be made in one batch.
    mutating func dispatch() {
        // Without Redis a lease may be gone; without PostgreSQL results pile up: both stop here
        // only at their limit, because what is in memory may be sent while the lease lasts.
        guard settlement.unsettled < configuration.unsettledLimit else { return }
        guard !connectivity.isAway else {
            let canaries = canaries()
            if !canaries.isEmpty { emit(.send(canaries)) }
            return
        }
        let slots = slotsLeft + transfers.count
        var transmissions: [Transmission] = []
        while transfers.count < slots, unsigned < configuration.unsignedLimit,
            let index = probes.popFirst()
        {
            if let transmission = probe(with: index) { transmissions.append(transmission) }
        }
        while transfers.count < slots, unsigned < configuration.unsignedLimit,
            let lane = rotation.next(among: openLanes)
        {
            guard let standing = nextStanding(in: lane),
                let turn = ready.popFirst(standing, in: lane)
            else { preconditionFailure("\(lane) has nothing to send") }
            let key = Host.QueueKey(lane: lane, sender: turn.sender)
            let transmission = transmit(from: turn.host, key, as: standing)
            if let transmission { transmissions.append(transmission) }
            ready.endTurn(of: turn.sender, standing, in: lane, isUsed: transmission != nil)
        }
        if !transmissions.isEmpty { emit(.send(transmissions)) }
    }

    /// In the slow start after an outage of our own, what hangs from before takes none of them.
    private var slotsLeft: Int {
        let left = configuration.slots - transfers.count
        guard let slots = connectivity.slots else { return left }
        let counted = transfers.values.count {
            connectivity.counts(sent: deliveries[$0.rawValue].sent)
        }
        return min(left, slots - counted)
    }

    // MARK: Whose turn

    /// Lanes that have something which may have a slot now.
    private var openLanes: LaneSet {
        var lanes: LaneSet = []
        let isReserve = transfers.count >= configuration.slots - configuration.urgentSlots
        for lane in Lane.allCases where lane == .urgent || !isReserve {
            if nextStanding(in: lane) != nil { lanes.insert(lane) }
        }
        return lanes
    }

    /// Suspects have their share of what is in flight, while others wait; alone they have all of
    /// their budget, and no more.
    private func nextStanding(in lane: Lane) -> ReadyHosts.Standing? {
        let isProvenReady = ready.has(.proven, in: lane)
        let mayBeSuspect =
            suspectsInFlight < configuration.suspectSlots && ready.has(.suspect, in: lane)
        guard mayBeSuspect else { return isProvenReady ? .proven : nil }
        let share = transfers.count * configuration.suspectSlots / configuration.slots
        return !isProvenReady || suspectsInFlight < share ? .suspect : .proven
    }

    /// Takes one delivery of a host, if it may have one more in flight. One that may not waits
    /// with the host until a transfer of it ends or its pause is over.
    private mutating func transmit(
        from id: HostID, _ key: Host.QueueKey, as standing: ReadyHosts.Standing
    ) -> Transmission? {
        guard let host = hosts[id] else { return nil }
        guard host.hasQueue(key) else {
            // The room that it was offered is left to another queue of the host.
            wake(id)
            return nil
        }
        if (host.isProven ? .proven : .suspect) != standing {
            offer(id, key)
            return nil
        }
        guard host.hasRoom(at: now) else {
            hosts[id]?.blocked[Int(key.lane.rawValue)].append(key.sender)
            if let next = host.pace.next, next > now { pacedHosts.insert(id) }
            return nil
        }
        return takeFirst(of: id, key)
    }

    /// The oldest of this queue, unless it has expired; the rest of the queue stays offered.
    mutating func takeFirst(of id: HostID, _ key: Host.QueueKey) -> Transmission? {
        guard let index = hosts[id]?.dequeue(key) else { return nil }
        if hosts[id]?.hasQueue(key) == true { offer(id, key) }
        let delivery = deliveries[index.rawValue]
        if let expires = activities[delivery.activity]?.facts?.expires, expires <= wall {
            settle(index, .outcome(.expired, delivery.activity, delivery.inbox))
            wake(id)
            return nil
        }
        return firstTransmission(of: index)
    }

    /// A host's open circuit admits this one delivery.
    private mutating func probe(with index: DeliveryIndex) -> Transmission? {
        guard deliveries.contains(index.rawValue), let id = deliveries[index.rawValue].host,
            hosts[id]?.circuit.outage?.probe == index
        else { return nil }
        return firstTransmission(of: index)
    }

    private mutating func firstTransmission(of index: DeliveryIndex) -> Transmission {
        guard let id = deliveries[index.rawValue].host,
            let profile = hosts[id]?.signatures.profile(at: now)
        else { preconditionFailure("sent without a host") }
        // A probe is not one, its circuit being open: it has a budget of its own.
        let isSuspect = hosts[id]?.isSuspect == true
        deliveries[index.rawValue].begin(profile, isSuspect: isSuspect, at: now)
        if isSuspect { suspectsInFlight += 1 }
        hosts[id]?.began(at: now)
        return transmission(of: index, onFreshConnection: false)
    }

    /// Names the attempt and marks the delivery as on its way.
    mutating func transmission(
        of index: DeliveryIndex, onFreshConnection: Bool
    ) -> Transmission {
        let token = TransferToken(rawValue: nextToken())
        transfers[token] = index
        unsigned += 1
        deliveries[index.rawValue].phase = .sending(token)
        let delivery = deliveries[index.rawValue]
        guard let host = delivery.host else { preconditionFailure("sent without a host") }
        return Transmission(
            token: token, activity: delivery.activity, url: delivery.url,
            host: hosts[host]?.name ?? "", profile: delivery.profile,
            onFreshConnection: onFreshConnection)
    }

    /// The transfer is over, or no longer ours: its slot and its place in the window are free.
    mutating func freeSlot(of index: DeliveryIndex) {
        let delivery = deliveries[index.rawValue]
        if delivery.isSuspect {
            suspectsInFlight -= 1
            suspectsEnded += 1
        }
        if let host = delivery.host { hosts[host]?.inFlight -= 1 }
    }

    /// Whether the transmission of this name is still wanted.
    package func isUnderWay(_ token: TransferToken) -> Bool { transfers[token] != nil }

    // MARK: Waiting for a host

    mutating func enqueue(_ index: DeliveryIndex) {
        let delivery = deliveries[index.rawValue]
        guard let host = delivery.host else { preconditionFailure("queued without a host") }
        deliveries[index.rawValue].phase = .queued
        let key = Host.QueueKey(lane: delivery.lane, sender: delivery.sender)
        // With a queue already it is offered, or blocked, already.
        let isNew = hosts[host]?.hasQueue(key) == false
        hosts[host]?.enqueue(index, in: key)
        if isNew { offer(host, key) }
    }

    private mutating func offer(_ id: HostID, _ key: Host.QueueKey) {
        let isProven = hosts[id]?.isProven == true
        ready.insert(id, isProven ? .proven : .suspect, for: key.sender, in: key.lane)
    }

    /// What is known of the host has changed: its queues go where such hosts wait.
    mutating func offerAll(of id: HostID) {
        for key in hosts[id]?.queues.keys.sorted() ?? [] { offer(id, key) }
    }

    /// A host may have room again: as many of its queues as can use it are offered, urgent first.
    mutating func wake(_ id: HostID) {
        guard hosts[id]?.hasBlocked == true, var room = hosts[id]?.room(at: now) else { return }
        for lane in Lane.allCases {
            while room > 0, let sender = hosts[id]?.blocked[Int(lane.rawValue)].popFirst() {
                let key = Host.QueueKey(lane: lane, sender: sender)
                guard hosts[id]?.hasQueue(key) == true else { continue }
                offer(id, key)
                room -= 1
            }
        }
    }

    /// Hosts whose pace lets them have another one by now.
    mutating func wakePaced() {
        let due = pacedHosts.filter { id in hosts[id]?.pace.next.map { $0 <= now } ?? true }
        for id in due.sorted() {
            pacedHosts.remove(id)
            wake(id)
        }
    }

    /// When the first of them does.
    var paceDue: Instant? { pacedHosts.compactMap { hosts[$0]?.pace.next }.min() }

    /// Once a second: what has waited too long for a full window, or for one of the suspects' slots,
    /// is held in Redis, so that its entry can end and the log is read on; hosts of which nothing
    /// would be missed are forgotten.
    mutating func sweepQueues() {
        guard now >= sweepDue else { return }
        sweepDue = now + .seconds(1)
        let isLogStopped = !hasRoom && opened < configuration.openLimit / 8
        opened = 0
        let patience = isLogStopped ? Self.patienceWhileStopped : configuration.queueTime
        let isSuspectsTurn = suspectsInFlight < configuration.suspectSlots
        if hosts.count > Self.rememberedHosts { forgetIdleHosts() }
        let waiting = hosts.ids { [now] host in
            host.queued > 0 && (!host.hasRoom(at: now) || (host.isSuspect && !isSuspectsTurn))
        }
        for id in waiting.sorted() { holdOverdue(of: id, after: patience) }
        sweepChains()
    }

    /// Idle hosts beyond this many are forgotten; each takes more than 500 bytes.
    static let rememberedHosts = 8_192

    private mutating func forgetIdleHosts() {
        for id in hosts.ids(where: \.isIdle).prefix(hosts.count - Self.rememberedHosts) {
            hosts[id] = nil
        }
    }

    /// While hardly anything can be opened, what waits for its own host stands in the way of all.
    static let patienceWhileStopped: Duration = .seconds(1)

    private mutating func holdOverdue(of id: HostID, after patience: Duration) {
        var overdue: [DeliveryIndex] = []
        for queue in hosts[id]?.queues.values.map({ $0 }) ?? [] {
            overdue += queue.prefix {
                now - deliveries[$0.rawValue].admitted > patience
            }
        }
        guard !overdue.isEmpty else { return }
        let leaving = Set(overdue)
        hosts[id]?.removeQueued { leaving.contains($0) }
        for index in inOrder(overdue) { hold(index, atHead: deliveries[index.rawValue].goesToHead) }
    }

    /// By the age of their activities.
    func inOrder(_ indices: [DeliveryIndex]) -> [DeliveryIndex] {
        indices.sorted {
            let (left, right) = (deliveries[$0.rawValue], deliveries[$1.rawValue])
            return (left.activity, left.inbox) < (right.activity, right.inbox)
        }
    }
}
