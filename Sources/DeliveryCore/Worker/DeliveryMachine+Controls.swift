/// What people say: controls of hosts, lanes and senders, and hints that a host was seen alive.
extension DeliveryMachine {
    /// These and no others are in force from now on. What is in flight ends as it would.
    mutating func controlsChanged(_ controls: Controls) {
        guard controls != self.controls else { return }
        let lanes = intakeLanes
        self.controls = controls
        for id in hosts.ids.sorted() {
            guard let host = hosts[id], !host.name.isEmpty else { continue }
            let control = controls[host: host.name]
            if control != host.control { obey(control, id) }
            postponeQueued(of: id)
        }
        // Of a lane that was paused nobody has claimed what absent workers left.
        if !Set(intakeLanes).isSubset(of: lanes) { recoveryDue = now }
    }

    // MARK: Paused lanes and senders

    /// The lanes whose intake may be read; what is for the others stays in Redis.
    var intakeLanes: [Lane] {
        // Asked with every event.
        guard controls.hasLanes || isRedisFull else { return Lane.intake }
        return Lane.intake.filter { !isResting($0) }
    }

    /// Its lane is paused, or what it expands to would fill a Redis that is full: what is open makes
    /// room, so bulk waits for that. With nothing open it goes on, or nothing ever would.
    func isResting(_ lane: Lane) -> Bool {
        controls.isPaused(lane, at: wall) || isRedisFull && lane == .bulk && deliveries.count > 0
    }

    func isPaused(_ delivery: OpenDelivery) -> Bool {
        controls.isPaused(delivery.lane, delivery.sender, at: wall)
    }

    /// Its lane or its sender is paused: it waits in `later`, where it fills neither this worker's
    /// table nor its host's queue, and keeps its place in its chain: successors follow it there.
    ///
    /// No attempt is used up. Expiry and retry budget run on, and are looked at when it comes back.
    mutating func postpone(_ index: DeliveryIndex) {
        let delivery = deliveries[index.rawValue]
        let due = controls.due(delivery.lane, delivery.sender, at: wall, using: &random)
        deferTurn(of: index, until: due)
    }

    private mutating func postponeQueued(of id: HostID) {
        guard let host = hosts[id] else { return }
        var leaving: [DeliveryIndex] = []
        for (key, queue) in host.queues where controls.isPaused(key.lane, key.sender, at: wall) {
            leaving += queue
        }
        if let probe = host.circuit.outage?.probe, probes.contains(probe),
            isPaused(deliveries[probe.rawValue])
        {
            leaving.append(probe)
        }
        guard !leaving.isEmpty else { return }
        let gone = Set(leaving)
        hosts[id]?.removeQueued { gone.contains($0) }
        for index in inOrder(leaving) {
            withdrawProbe(index)
            place(index)
        }
    }

    // MARK: Hosts

    private mutating func obey(_ control: HostControl, _ id: HostID) {
        hosts[id]?.control = control
        if control.isPaused || control.isBlocked { holdQueued(id) }
        // Released if it may be sent now, or is to be dropped.
        if hosts[id]?.isIdle == false { waitingHosts[id] = now }
        wake(id)
    }

    /// Somebody has heard from these hosts: one whose circuit is open is probed at once.
    mutating func hostsSeenAlive(_ names: Set<String>) {
        guard !names.isEmpty else { return }
        let seen = circuitTime
        for (id, host) in hosts where host.circuit.isOpen && names.contains(host.name) {
            hosts[id]?.circuit.hinted(at: seen)
            if host.backlog > 0 { waitingHosts[id] = now }
        }
    }
}
