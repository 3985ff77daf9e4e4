/// What people say about hosts: controls, and hints that a host was seen alive.
extension DeliveryMachine {
    /// These and no others are in force from now on. What is in flight ends as it would.
    mutating func controlsChanged(_ controls: HostControls) {
        guard controls != self.controls else { return }
        self.controls = controls
        for id in hosts.ids.sorted() {
            guard let host = hosts[id], !host.name.isEmpty else { continue }
            let control = controls[host: host.name]
            if control != host.control { obey(control, id) }
        }
    }

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
