/// What concerns one object goes to one host in its order: Create, Update, Delete.
///
/// One activity of a chain has its turn. The next one waits in memory; if the first goes to `later`,
/// it follows there; if to the held queue, it follows when Redis has it. Not kept: between lanes,
/// beyond ``chainLimit`` chains of a host, for longer than a minute after a time has come, and by a
/// retried Create to which the producer gave the `object` of another.
///
/// Order is kept among what this owner has read, and what the former owner has put into `later`. Of
/// what stands in Redis the queues keep it: a held queue by being one (what comes to it later is put
/// by its age, as far as its script may look), `later` by sorting what is due together by age. What
/// comes from `later` and may follow goes to the held queue of its host, if there is one.
extension DeliveryMachine {
    /// A Delete is remembered this long for revisions that are read after it; after that
    /// PostgreSQL knows of it.
    static let deletionMemory: Duration = .seconds(600)
    /// Deletes that are remembered; with more of them in ten minutes PostgreSQL has to do.
    static let deletionLimit = 65_536
    /// Chains of one host; beyond it a retry may be overtaken by its successors.
    static let chainLimit = 4_096
    /// How long after its time a delivery in `later` is still waited for by its successors.
    static let deferralGrace: Duration = .seconds(60)

    // MARK: Superseding

    func isSuperseded(_ activity: PreparedFacts.Activity) -> Bool {
        guard activity.kind == .revision, let order = activity.order else { return false }
        return activity.isSuperseded || deletions[order] != nil
    }

    /// How a delivery ends that would have to wait, if that has become pointless.
    func supersededEnd(of delivery: OpenDelivery) -> Settlement.End? {
        guard let facts = activities[delivery.activity]?.facts, isSuperseded(facts) else {
            return nil
        }
        return .outcome(.superseded, delivery.activity, delivery.inbox)
    }

    mutating func rememberDeletion(_ order: OrderKey) {
        guard deletions.count < Self.deletionLimit || deletions[order] != nil else { return }
        deletions[order] = now
    }

    /// Ends the revisions in this chain that are not in flight.
    private mutating func supersede(_ chain: ChainKey) {
        guard let waiting = hosts[chain.host]?.chains[chain.order]?.waiting else { return }
        var pointless = waiting.filter { isRevision($0) }
        let gone = Set(pointless)
        hosts[chain.host]?.chains[chain.order]?.waiting.removeAll { gone.contains($0) }
        let queued = hosts[chain.host]?.queues.values.flatMap { $0 } ?? []
        let queuedRevisions = queued.filter {
            deliveries[$0.rawValue].order == chain.order && isRevision($0)
        }
        let leaving = Set(queuedRevisions)
        if !leaving.isEmpty { hosts[chain.host]?.removeQueued { leaving.contains($0) } }
        pointless += queuedRevisions
        for index in pointless {
            let delivery = deliveries[index.rawValue]
            settle(index, .outcome(.superseded, delivery.activity, delivery.inbox))
        }
    }

    private func isRevision(_ index: DeliveryIndex) -> Bool {
        activities[deliveries[index.rawValue].activity]?.facts?.kind == .revision
    }

    // MARK: Turns

    /// Gives the delivery its turn in its chain. False: it waits behind a predecessor, or has
    /// followed one into `later`.
    ///
    /// - Parameter isAdmitted: it has just come from the log.
    mutating func takesTurn(
        _ index: DeliveryIndex, _ activity: PreparedFacts.Activity, isAdmitted: Bool
    ) -> Bool {
        let delivery = deliveries[index.rawValue]
        guard let order = activity.order, let host = delivery.host else { return true }
        let key = ChainKey(host: host, order: order)
        if activity.kind == .deletion {
            rememberDeletion(order)
            supersede(key)
        }
        if delivery.isInChain, keepsTurn(index, in: key) { return true }
        let hasGivenUp = delivery.isInChain
        var chain = hosts[host]?.chains[order] ?? Chain()
        if isAdmitted { chain.returned(delivery.pointer) }
        let until = deferral(of: delivery.activity, in: chain)
        let mustWait = until.map { $0 > wall } ?? false
        // Predecessors for other inboxes may stand in the held queue: what is fresh goes behind them
        // there, and follows the one in `later` when it comes back.
        let isHeldUp =
            mustWait && (!delivery.hasWaited || delivery.isFollower)
            && hosts[host]?.isBacklogAhead == true
        let isFollowing = mustWait && !isHeldUp
        // While others of them are in memory it waits: they may go to the held queue, and nobody
        // would know that what is in `later` belongs behind them.
        if let until, isFollowing, !hasElder(than: delivery.activity, in: chain) {
            chain.putOff(delivery.pointer, until: until)
            hosts[host]?.chains[order] = chain
            putOff(index, until: until)
            return false
        }
        // A predecessor whose time has come is on its way back: this one waits for it in the chain.
        let isFirst = chain.waiting.first.map {
            delivery.activity < deliveries[$0.rawValue].activity
        }
        let isFree = (until == nil || isHeldUp) && chain.open == 0 && isFirst ?? true
        // An older one comes back while a successor is on its way to the held queue: it must not
        // get there behind it.
        let isInTurn =
            chain.open > 0 && delivery.activity <= chain.active && !hasGivenUp && !isFollowing
        guard isFree || isInTurn else {
            hosts[host]?.chains[order] = chain
            stayBehind(index, in: key)
            return false
        }
        chain.active = delivery.activity
        chain.open += 1
        hosts[host]?.chains[order] = chain
        deliveries[index.rawValue].isInChain = true
        if isHeldUp { hold(index, atHead: false) }
        return !isHeldUp
    }

    /// Whether an older activity of the chain is in memory.
    private func hasElder(than activity: ActivityID, in chain: Chain) -> Bool {
        chain.open > 0 && chain.active < activity
            || chain.waiting.first.map { deliveries[$0.rawValue].activity < activity } ?? false
    }

    /// It waits until the older ones have ended, or stand in Redis again.
    private mutating func stayBehind(_ index: DeliveryIndex, in key: ChainKey) {
        let delivery = deliveries[index.rawValue]
        let leaving = entries[delivery.entry.rawValue].resolution.parkedTurns
            .filter { $0.chain == key }
        guard leaving.isEmpty else {
            // Its predecessor goes to the held queue with the entry of both.
            let isAtHead = delivery.isInherited || leaving.allSatisfy(\.isAtHead)
            return hold(index, atHead: delivery.goesToHead && isAtHead)
        }
        let waiting = hosts[key.host]?.chains[key.order]?.waiting ?? []
        let place = waiting.firstIndex { deliveries[$0.rawValue].activity > delivery.activity }
        hosts[key.host]?.chains[key.order]?.waiting.insert(index, at: place ?? waiting.endIndex)
        deliveries[index.rawValue].phase = .behind
    }

    /// It has ended, or waits for a time of its own, where its successors follow it.
    mutating func endTurn(of index: DeliveryIndex, with end: Settlement.End) {
        guard let key = chain(of: index) else { return }
        switch end {
        case .outcome, .failed: break
        case .held: return
        case .later(let later):
            guard hosts[key.host]?.chains.count ?? 0 < Self.chainLimit else { break }
            hosts[key.host]?.chains[key.order]?.putOff(later.pointer, until: later.due)
        }
        deliveries[index.rawValue].isInChain = false
        leaveChain(key)
    }

    /// It waits in `later`, untried, and its successors behind it.
    mutating func deferTurn(of index: DeliveryIndex, until due: WallTime) {
        let later = deliveries[index.rawValue].later(due: due)
        deliveries[index.rawValue].phase = .queued
        endTurn(of: index, with: .later(later))
        putOff(index, until: due)
    }

    /// It goes back to its host's held queue: its turn ends when Redis has it, so that no successor
    /// gets there first. Those of the same entry go with it, or the entry would never end.
    mutating func parkTurn(of index: DeliveryIndex, atHead: Bool) {
        guard let key = chain(of: index) else { return }
        let (entry, pointer) = (
            deliveries[index.rawValue].entry, deliveries[index.rawValue].pointer
        )
        deliveries[index.rawValue].isInChain = false
        entries[entry.rawValue].resolution.parkedTurns.append(
            ParkedTurn(chain: key, pointer: pointer, isAtHead: atHead))
        hosts[key.host]?.park(pointer.activity, in: key.order)
        let waiting = hosts[key.host]?.chains[key.order]?.waiting ?? []
        for follower in waiting where deliveries[follower.rawValue].entry == entry {
            hosts[key.host]?.chains[key.order]?.waiting.removeAll { $0 == follower }
            hold(follower, atHead: atHead && deliveries[follower.rawValue].goesToHead)
        }
    }

    /// It was on its way to the held queue and is not any more: the turn that would have ended there
    /// is still its own.
    mutating func keep(_ turn: ChainKey, for index: DeliveryIndex) {
        deliveries[index.rawValue].host = turn.host
        deliveries[index.rawValue].order = turn.order
        deliveries[index.rawValue].isInChain = true
    }

    /// Whether it may use the turn that it has kept: a predecessor may have gone to `later` since, or
    /// come back from there.
    private mutating func keepsTurn(_ index: DeliveryIndex, in key: ChainKey) -> Bool {
        guard let chain = hosts[key.host]?.chains[key.order],
            deferral(of: deliveries[index.rawValue].activity, in: chain) != nil
                || chain.active < deliveries[index.rawValue].activity
        else { return true }
        deliveries[index.rawValue].isInChain = false
        hosts[key.host]?.chains[key.order]?.open -= 1
        return false
    }

    /// It is forgotten: its partition is not ours any more.
    mutating func abandonTurn(_ index: DeliveryIndex) {
        let delivery = deliveries[index.rawValue]
        guard let host = delivery.host, let order = delivery.order else { return }
        if delivery.phase == .behind {
            hosts[host]?.chains[order]?.waiting.removeAll { $0 == index }
        }
        guard delivery.isInChain else { return }
        deliveries[index.rawValue].isInChain = false
        hosts[host]?.chains[order]?.open -= 1
    }

    private func chain(of index: DeliveryIndex) -> ChainKey? {
        let delivery = deliveries[index.rawValue]
        return delivery.isInChain ? delivery.chain : nil
    }

    /// One of the chain's turns is over; with the last one the next activity has its own.
    ///
    /// - Parameter parked: the activity whose turn ended in the held queue.
    mutating func leaveChain(_ key: ChainKey, parked: ActivityID? = nil) {
        turnsOver.append((key, parked))
        // The next may end on the spot, and the one after it: one after the other, however many.
        guard turnsOver.count == 1 else { return }
        while let (key, parked) = turnsOver.first {
            giveTurn(of: key, parked: parked)
            turnsOver.removeFirst()
        }
    }

    /// It has ended without a turn; those that waited for it to come back from `later` do no more.
    mutating func passTurn(of pointer: DeliveryPointer, in key: ChainKey) {
        guard hosts[key.host]?.chains[key.order] != nil else { return }
        hosts[key.host]?.chains[key.order]?.returned(pointer)
        hosts[key.host]?.chains[key.order]?.open += 1
        leaveChain(key)
    }

    private mutating func giveTurn(of key: ChainKey, parked: ActivityID?) {
        if parked == nil, hosts[key.host]?.endLoneTurn(in: key.order) == true { return }
        guard hosts[key.host]?.chains[key.order] != nil else { return }
        hosts[key.host]?.chains[key.order]?.open -= 1
        if let parked {
            hosts[key.host]?.chains[key.order]?.parkingEnded()
            let other = hosts[key.host]?.chains[key.order]?.parked
            hosts[key.host]?.chains[key.order]?.parked = min(parked, other ?? parked)
        }
        // They may have followed their predecessor into `later`: so do those behind them.
        while let ready = nextInChain(key) {
            let placed = takeTurns(ready, in: key)
            for index in placed { place(index) }
            if !placed.isEmpty { return }
        }
    }

    /// What the former owner has put off is waited for as if this one had.
    mutating func inheritDeferrals(of host: HostID, in partition: PartitionNumber) {
        guard case .owned(let owned) = partitions[partition], owned.inherited[host] != nil else {
            return
        }
        partitions.update(partition) { $0.inherited[host] = nil }
        for later in owned.inherited[host] ?? [] where later.due > wall - Self.deferralGrace {
            guard let order = later.chain?.order,
                hosts[host]?.chains.count ?? 0 < Self.chainLimit
            else { continue }
            hosts[host]?.chains[order, default: Chain()].putOff(later.pointer, until: later.due)
        }
    }

    /// Until when it waits for a predecessor in `later`; a Delete waits for none.
    private func deferral(of activity: ActivityID, in chain: Chain) -> WallTime? {
        guard activities[activity]?.facts?.kind != .deletion else { return nil }
        return chain.deferral(before: activity)
    }

    /// Takes the deliveries of the next activity out of the chain, if it is its turn.
    private mutating func nextInChain(_ key: ChainKey) -> ArraySlice<DeliveryIndex>? {
        guard var chain = hosts[key.host]?.chains[key.order] else { return nil }
        guard chain.open <= 0, let first = chain.waiting.first else {
            if chain.isEmpty { hosts[key.host]?.chains[key.order] = nil }
            return nil
        }
        let next = deliveries[first.rawValue].activity
        // A predecessor is due, and has its turn first when it comes.
        if let until = deferral(of: next, in: chain), until <= wall { return nil }
        let ready = chain.waiting.prefix { deliveries[$0.rawValue].activity == next }
        chain.waiting.removeFirst(ready.count)
        hosts[key.host]?.chains[key.order] = chain
        return ready
    }

    /// Returns those that have got it, and are to be placed.
    private mutating func takeTurns(
        _ ready: ArraySlice<DeliveryIndex>, in key: ChainKey
    ) -> [DeliveryIndex] {
        let parked = hosts[key.host]?.chains[key.order]?.parked
        // Those behind them do not stand in their way.
        let others = hosts[key.host]?.chains[key.order]?.waiting ?? []
        hosts[key.host]?.chains[key.order]?.waiting = []
        var placed: [DeliveryIndex] = []
        for index in ready {
            guard let facts = activities[deliveries[index.rawValue].activity]?.facts else {
                preconditionFailure("an activity without facts waits for its turn")
            }
            // Its Delete may have been heard of since it came.
            if let end = supersededEnd(of: deliveries[index.rawValue]) {
                settle(index, end)
                continue
            }
            // An older one may have come back while a successor was on its way there.
            if let parked, parked < deliveries[index.rawValue].activity {
                deliveries[index.rawValue].isFollower = true
            }
            if takesTurn(index, facts, isAdmitted: false) { placed.append(index) }
        }
        hosts[key.host]?.chains[key.order]?.waiting += others
        if !placed.isEmpty { hosts[key.host]?.chains[key.order]?.parked = nil }
        return placed
    }

    /// Once a second: what nobody waits for any more is forgotten, and what has waited too long for
    /// its turn lets its entry end.
    mutating func sweepChains() {
        deletions = deletions.filter { now - $0.value < Self.deletionMemory }
        let late = wall - Self.deferralGrace
        for id in hosts.ids(where: { !$0.chains.isEmpty }) {
            for (order, chain) in hosts[id]?.chains ?? [:] {
                sweep(ChainKey(host: id, order: order), chain, late: late)
            }
        }
    }

    private mutating func sweep(_ key: ChainKey, _ old: Chain, late: WallTime) {
        let overdue = old.waiting.filter {
            now - deliveries[$0.rawValue].admitted > configuration.queueTime * 2
        }
        guard old.isEmpty || !overdue.isEmpty || old.hasDeferrals(before: late) else { return }
        var chain = old
        chain.forgetDeferrals(before: late)
        chain.waiting.removeAll { overdue.contains($0) }
        let due = wall + configuration.queueTime
        for index in overdue { chain.putOff(deliveries[index.rawValue].pointer, until: due) }
        hosts[key.host]?.chains[key.order] = chain.isEmpty ? nil : chain
        for index in overdue {
            deliveries[index.rawValue].phase = .queued
            putOff(index, until: due)
        }
    }
}
